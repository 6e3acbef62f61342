// Encodes typed answers as a page does: node values.js REPORT.js < [{"form": ..., "answer": ...}]; prints vectors or "refused".
const O = require(require("path").resolve(process.argv[2]));
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const one = ({ form, answer }) => {
  try {
    const read = form.kind === "choice" ? answer : form.kind === "cells" ? O.readCells(form, answer) : answer.map((typed) => O.readNumber(form, typed));
    return O.encode(form, read).map(String);
  } catch (error) {
    if (error instanceof O.Refused) return "refused";
    throw error;
  }
};
console.log(JSON.stringify(cases.map(one)));
