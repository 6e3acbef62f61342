/* What the page shows, and what it does with the answer: the bytes are made in report.js. */
(() => {
  if (typeof document === "undefined") return;
  const O = Ostraka;
  const page = JSON.parse(document.getElementById("data").textContent);
  const { at, make, show, minute } = Parts;

  let code = null, held = null; // the code, and what this browser keeps of earlier reports

  const say = (words, bad = false) => {
    at("status").textContent = words;
    at("status").classList.toggle("bad", bad);
  };
  const wrong = (id, words) => {
    at(id).textContent = words || "";
    show(id, Boolean(words));
  };

  // --- what was asked -----------------------------------------------------------------------------

  const describe = () => {
    document.title = page.title;
    at("title").textContent = page.title;
    at("asked").textContent = page.form.kind === "choice" ? "" : `You are asked for: ${page.asked}.`;
    const facts = [
      ["Until", minute(page.closes)],
      ["Computed by", page.compute.map((party) => party.name).join(", ")],
      ["Told to", page.recipients.join(", ")],
      ["Organiser's key", page.organiser],
    ];
    at("facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
    at("says").replaceChildren(...page.says.map((sentence) => make("li", sentence)));
    at("digest").textContent = page.digest;
    at("release").textContent = `ostraka ${page.release}`;
  };

  const fields = () => {
    const form = page.form;
    const whole = form.unit === "1";
    const parts = form.kind === "choice" ? Parts.choice(form.options)
      : form.kind === "cells" ? Parts.cells(form.names, Parts.bounds({ ...form.sum, unit: form.sum.of }))
      : form.count > 1 ? Parts.lines(form.count)
        : Parts.one(Parts.bounds({ ...form, unit: form.of }), whole);
    Parts.fill(at("fields"), parts, "answer-error");
    show("noise-note", Boolean(form.truth));
  };

  /** Read what was filled in; the number of an option, or numbers in the smallest steps. */
  const answered = () => {
    const form = page.form;
    if (form.kind === "choice") {
      const chosen = Parts.chosen(at("fields"));
      if (chosen === null) throw new O.Refused("Choose one of the answers.");
      return chosen;
    }
    if (form.kind === "cells") return O.readCells(form, at("answer").value);
    const lines = at("answer").value.trim().split(/\r?\n|\t/).filter((line) => line.trim() !== "");
    if (lines.length !== form.count) {
      throw new O.Refused(form.count === 1 ? "Fill in one number." : `These are ${lines.length} numbers; ${form.count} are asked for.`);
    }
    return lines.map((line, i) => {
      try { return O.readNumber(form, line); } catch (error) {
        const which = form.count === 1 ? "The number" : `Number ${i + 1}`;
        throw error instanceof O.Refused ? new O.Refused(`${which} ${error.message}.`) : error;
      }
    });
  };

  // --- what this browser keeps --------------------------------------------------------------------

  const place = () => `ostraka:${page.digest}:${code.credential}`;
  const recall = () => { try { return JSON.parse(localStorage.getItem(place())); } catch { return null; } };
  const keep = (value) => {
    held = value;
    try { value ? localStorage.setItem(place(), JSON.stringify(value)) : localStorage.removeItem(place()); return true; }
    catch { return false; }
  };

  // --- the mailbox --------------------------------------------------------------------------------

  const mailboxes = () => [...new Set([code.mailbox, ...page.mailboxes])];
  const ask = async (path, options = {}) => {
    let last = null;
    for (const mailbox of mailboxes()) {
      try {
        const answer = await fetch(`${mailbox}/v1/collections/${page.digest}${path}`, { cache: "no-store", credentials: "omit", ...options });
        if (answer.ok) return await answer.json();
        const told = await answer.json().catch(() => ({}));
        throw new O.Refused(`The mailbox refused: ${told.error || answer.status}${told.hint ? ` (${told.hint})` : ""}`);
      } catch (error) {
        if (error instanceof O.Refused) throw error;
        last = error;
      }
    }
    throw new O.Refused(`No mailbox answers (${last && last.message}). Are you connected? You can try again.`);
  };

  // --- steps --------------------------------------------------------------------------------------

  const open = async (pasted) => {
    const found = await O.readCode(pasted);
    const digest = O.hex(await O.sha256(O.text(page.manifest)));
    if (O.hex(found.manifest) !== digest || digest !== page.digest) {
      throw new O.Refused("The code belongs to another collection than this page. Do not go on: ask the organiser.");
    }
    if ((found.credential === O.OPEN) === page.invited) throw new O.Refused("The code does not fit this collection.");
    code = found;
    held = recall();
    show("code-part", false);
    show("answer-part", true);
    show("earlier", Boolean(held));
    show("forget", Boolean(held));
    show("check", Boolean(held));
    show("keep", Boolean(held && held.receipt));
    if (held) {
      at("earlier").textContent = page.replace
        ? "You have sent an answer from this browser. Another one replaces it."
        : "You have sent an answer from this browser, and this collection lets none be replaced.";
      at("send").disabled = !page.replace;
    }
    fields();
    at("answer-title").scrollIntoView({ block: "nearest" });
  };

  const send = async () => {
    const vector = O.encode(page.form, page.form.kind === "choice" ? O.respond(page.form, answered()) : answered());
    say("Asking the mailbox for the computing parties' keys ...");
    const status = await ask("");
    if (status.state === "closing" || status.state === "done") throw new O.Refused("The collection is closed. Nothing was sent.");
    const terms = await O.readTerms(page, status);
    if (held && held.collection !== O.hex(terms.collection)) {
      throw new O.Refused("The computing parties show other keys than last time. Nothing was sent: tell the organiser.");
    }
    say("Sealing your answer ...");
    const credential = page.invited ? { number: code.credential, key: await O.credentialKey(code.secret) } : null;
    const contributor = await O.signer(held ? O.unhex(held.seed) : O.random(32));
    const counter = held ? held.counter + 1 : 1;
    const parcels = await O.share(page.scheme, vector);
    const report = await O.writeReport(page, terms, parcels, contributor, credential, counter);
    const digest = O.hex(report.digest);
    const kept = { collection: O.hex(terms.collection), seed: O.hex(contributor.seed), counter, digest };
    const remembered = keep(kept);
    say("Sending ...");
    const promise = await ask(`/reports/${digest}`, { method: "PUT", body: report.octets, headers: { "Content-Type": "application/octet-stream" } });
    if (promise.report !== digest || !(await O.promiseHolds(terms.manifest, promise))) {
      throw new O.Refused("The mailbox answered without a promise that holds. Send it again later.");
    }
    keep({ ...kept, receipt: receiptOf(report, terms, counter, promise) });
    show("keep", true);
    show("check", true);
    show("forget", remembered);
    at("send").disabled = !page.replace;
    say(`Sent, and the mailbox has signed that it has it. Report ${digest.slice(0, 16)}... `
      + (page.replace ? `Until ${minute(page.closes)} you can replace it here.` : "You can close this page."));
    at("status").focus();
  };

  /** What `ostraka verify RECEIPT --report FILE` reads. */
  const receiptOf = (report, terms, counter, promise) => ({
    report_receipt: 1,
    title: page.title,
    manifest_sha256: page.digest,
    collection: O.hex(terms.collection),
    mailbox: code.mailbox,
    place: page.invited ? code.credential + 1 : null,
    counter,
    report: O.hex(report.digest),
    head: O.hex(report.head),
    parcels: report.digests.map(O.hex),
    signatures: O.hex(report.signatures),
    promise,
  });

  const saveReceipt = () => {
    const file = new Blob([`${JSON.stringify(held.receipt, null, 1)}\n`], { type: "application/json" });
    const link = make("a", "", { href: URL.createObjectURL(file), download: `report-${held.digest.slice(0, 12)}.json` });
    link.click();
    URL.revokeObjectURL(link.href);
    say("The receipt holds no secret. Once it has the proof that your report was counted, `ostraka verify` compares it with the session's receipt, offline.");
  };

  const check = async () => {
    const status = await ask("");
    if (status.state === "open" || status.state === "waiting") {
      return say(`The collection is still open, until ${minute(page.closes)}. Ask again after that.`);
    }
    const proofs = await ask(`/inclusion/${held.digest}`), receipts = await ask("/receipt");
    const roots = new Set();
    for (const party of page.compute) {
      const said = proofs[party.name], left = receipts[party.name];
      if (!said || !left) return say(`${party.name} has not published its list of counted reports yet. Ask again later.`);
      const root = await O.rootOf(said.proof || said, O.unhex(held.digest));
      const signed = await O.signedRoot(O.unhex(page.digest), O.unhex(party.pin), O.unbase64(left));
      if (!root || O.hex(root) !== signed) throw new O.Refused(`The proof of ${party.name} does not hold.`);
      roots.add(signed);
    }
    if (roots.size !== 1) throw new O.Refused("The computing parties published different lists. Tell the organiser.");
    if (held.receipt) keep({ ...held, receipt: { ...held.receipt, proofs } });
    return say("Your report is in the list of counted reports that all computing parties have published. "
      + "Save the receipt: it now holds the proof. It leads to the root that each of them has signed: "
      + [...roots][0]);
  };

  // --- events -------------------------------------------------------------------------------------

  const guarded = (work, place, button) => async (event) => {
    if (event) event.preventDefault();
    wrong("code-error");
    wrong("answer-error");
    if (button) at(button).disabled = true;
    try { await work(event); } catch (error) {
      const words = error instanceof O.Refused ? error.message : `Something went wrong here: ${error.message}`;
      if (place) { wrong(place, words); say(""); const first = at(place).closest("section").querySelector("input, textarea"); if (first) first.focus(); }
      else say(words, true);
    } finally {
      if (button) at(button).disabled = Boolean(held) && !page.replace;
    }
  };

  describe();
  if (!globalThis.crypto || !crypto.subtle) {
    show("code-part", false);
    say("This browser does not seal on this page: it must come over https, or be opened from a file.", true);
    return;
  }
  at("code-form").addEventListener("submit", guarded(() => open(at("code").value), "code-error"));
  at("answer-form").addEventListener("submit", guarded(send, "answer-error", "send"));
  at("keep").addEventListener("click", guarded(saveReceipt, null));
  at("check").addEventListener("click", guarded(check, null));
  at("forget").addEventListener("click", guarded(() => { keep(null); ["forget", "keep", "check", "earlier"].forEach((id) => show(id, false)); say("Forgotten. An answer that was sent stays sent."); }, null));
  if (location.hash.length > 1) guarded(() => open(decodeURIComponent(location.hash)), "code-error")();
})();
