/* Parts that the contribution page and a party's own page share: elements, and the fields of a form. */
const Parts = (() => {
  const at = (id) => document.getElementById(id);
  const make = (tag, words = "", more = {}) => Object.assign(document.createElement(tag), { textContent: words }, more);
  const show = (id, seen) => { at(id).hidden = !seen; };
  const minute = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });

  const choice = (options) => {
    const set = make("fieldset");
    set.append(make("legend", "Choose one"));
    options.forEach((option, i) => {
      const label = make("label", "", { className: "choice" });
      label.append(make("input", "", { type: "radio", name: "answer", value: String(i), id: `answer-${i}` }), make("span", option));
      set.append(label);
    });
    return [set];
  };
  const lines = (count) => [
    make("label", `${count} values, one on each line; a column of a spreadsheet can be pasted.`, { htmlFor: "answer" }),
    make("textarea", "", { id: "answer", rows: Math.min(12, Math.max(2, parseInt(count, 10) || 2)), autocomplete: "off", spellcheck: false }),
  ];
  const cells = (names, bounds) => [
    make("label", `A row for each of ${names.join(", ")}: the name, the sum, and of how many people it is. Rows of a spreadsheet can be pasted; `
      + `typed, semicolons stand between: ${names[0] || "all"}; 8100; 2. Where there is none: 0; 0. Sums: ${bounds.toLowerCase()}.`, { htmlFor: "answer" }),
    make("textarea", "", { id: "answer", rows: Math.min(12, Math.max(2, names.length)), autocomplete: "off", spellcheck: false }),
  ];
  const one = (words, whole) => [
    make("label", words, { htmlFor: "answer" }),
    make("input", "", { id: "answer", inputMode: whole === null ? "text" : whole ? "numeric" : "decimal", autocomplete: "off", spellcheck: false }),
  ];
  const bounds = (form) => `From ${form.min} to ${form.max}${form.unit ? ` ${form.unit}` : ""}`;

  /** Put fields into a place; an error is told beside them. */
  const fill = (place, parts, error) => {
    place.replaceChildren(...parts);
    place.querySelectorAll("input, textarea").forEach((each) => each.setAttribute("aria-describedby", error));
  };

  /** The number of the option that was chosen; null: none was. */
  const chosen = (place) => {
    const found = place.querySelector("input:checked");
    return found ? Number(found.value) : null;
  };
  return { at, make, show, minute, choice, lines, cells, one, bounds, fill, chosen };
})();
