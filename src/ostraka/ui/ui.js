/* A party's own page: it shows what its program says, and hands over what its owner fills in. */
(() => {
  const { at, make, show, fill, chosen } = Parts;
  const main = at("main");

  // --- the program ----------------------------------------------------------------------------------

  const KEY = "ostraka-token";
  if (location.hash.length > 2 && !location.hash.startsWith("#/")) {
    sessionStorage.setItem(KEY, location.hash.slice(1));
    history.replaceState(null, "", "/#/sessions");
  }

  class Problem extends Error {
    constructor(said) { super(said.error); this.said = said; }
  }
  const ask = async (path, body, method = body === undefined ? "GET" : "POST") => {
    const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) || ""}` };
    const given = body instanceof Blob ? body : body === undefined ? undefined : JSON.stringify(body);
    let answer, said;
    try {
      answer = await fetch(`/api/${path}`, { method, headers, body: given, cache: "no-store" });
      said = await answer.json();
    } catch {
      throw new Problem({ error: "the program behind this page does not answer", hint: "start it again: ostraka ui; then open the address that it prints" });
    }
    if (!answer.ok) throw new Problem(said);
    return said;
  };

  // --- elements -------------------------------------------------------------------------------------

  const put = (tag, className, ...inner) => {
    const found = make(tag, "", { className });
    found.append(...inner.filter((each) => each !== null && each !== undefined));
    return found;
  };
  const link = (hash, words) => make("a", words, { href: hash });
  /** Sentences of `check`: what each is about stands out, warnings most. */
  const sayings = (sentences) => put("ul", "says", ...sentences.map((sentence) => {
    const [, about, rest] = /^([A-Z][A-Za-z ]{2,24}): (.*)$/s.exec(sentence) || [null, "", sentence];
    return put("li", about === "WARNING" ? "warning" : "", about ? make("strong", `${about}: `) : null, rest);
  }));
  const facts = (rows) => put("dl", "", ...rows.flatMap(([name, value]) => [make("dt", name), put("dd", "", value)]));
  const moment = (iso) => (iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "");
  const table = (heads, rows, numbers = []) => {
    const cell = (tag, value, i) => { const found = put(tag, numbers.includes(i) ? "n" : "", value); if (tag === "th") found.scope = "col"; return found; };
    const head = put("thead", "", put("tr", "", ...heads.map((words, i) => cell("th", words, i))));
    const found = put("div", "wide", put("table", "", head, put("tbody", "", ...rows.map((row) => put("tr", "", ...row.map((value, i) => cell("td", value, i)))))));
    found.tabIndex = 0;
    found.setAttribute("role", "region");
    found.setAttribute("aria-label", heads.join(", "));
    return found;
  };
  const folded = (words, open, ...inner) => {
    const found = put("details", "", make("summary", words), ...inner);
    found.open = open;
    return found;
  };
  const button = (words, work, plain = false) => {
    const found = make("button", words, { type: plain ? "button" : "submit" });
    if (work) found.addEventListener("click", guarded(work, found));
    return found;
  };
  const note = (problem) => {
    const said = problem instanceof Problem ? problem.said : { error: `something went wrong in this page: ${problem.message}` };
    const found = put("div", "note bad", ...said.error.split("\n").map((line) => make("p", line[0].toUpperCase() + line.slice(1))),
      said.hint ? make("p", said.hint, { className: "hint" }) : null,
      said.data ? make("p", `Data: ${said.data}.`) : null,
      said.ledger ? make("p", `Ledger: ${said.ledger}.`) : null,
      said.exit ? make("p", `ostraka run would end with exit code ${said.exit} here.`, { className: "hint" }) : null);
    found.setAttribute("role", "alert");
    return found;
  };
  const say = (words) => { at("status").textContent = words; };
  const guarded = (work, control) => async (event) => {
    event.preventDefault();
    main.querySelectorAll(".note.now").forEach((each) => each.remove());
    say("");
    if (control) control.disabled = true;
    try { await work(); } catch (error) {
      const told = note(error);
      told.classList.add("now");
      (control || main).after(told);
      told.scrollIntoView({ block: "nearest" });
    } finally {
      if (control) control.disabled = false;
    }
  };
  const save = (name, kind, content) => {
    const url = URL.createObjectURL(new Blob([content], { type: kind }));
    make("a", "", { href: url, download: name }).click();
    URL.revokeObjectURL(url);
  };

  // --- sessions -------------------------------------------------------------------------------------

  const STATES = { running: ["going on", ""], done: ["done", "good"], failed: ["failed", "bad"], "": ["not begun", ""] };
  const chip = (state) => { const [words, kind] = STATES[state] || [state, ""]; return make("span", words, { className: `chip ${kind}` }); };

  const sessions = async () => {
    const found = await ask("sessions");
    const mine = found.sessions.filter((one) => one.me), others = found.sessions.filter((one) => !one.me);
    const card = (one) => put("li", "", link(`#/sessions/${one.digest}`, one.title), chip(one.state || (one.result ? "done" : "")),
      make("p", `${one.file}: ${one.protocol}, ${one.parties} parties${one.me ? `; here you are ${one.me}` : ""}`),
      one.why ? make("p", one.why) : null);
    return [
      make("h1", "Sessions"),
      make("p", `Manifests in ${found.places.join(", ")}.`, { className: "lead" }),
      ...found.invitations.filter((one) => one.state === "sealed").map((one) => put("p", "note", link("#/invitations", `The manifest of an invitation is here: ${one.title}`))),
      mine.length ? put("ul", "cards", ...mine.map(card)) : make("p", "There is no session of yours here. Paste a code at Invitations, or put a manifest into the directory."),
      others.length ? folded(`${others.length} of other parties`, false, put("ul", "cards", ...others.map(card))) : null,
      ...found.invalid.map((one) => put("div", "note bad", make("p", `${one.file} is no valid manifest`), make("p", one.why, { className: "hint" }))),
    ];
  };

  const PHASES = ["gathering", "sharing", "computing", "opening", "done"];
  const steps = (run) => {
    const last = run.phases.length ? PHASES.indexOf(run.phases.at(-1).name) : -1;
    const after = Object.fromEntries(run.phases.map((each) => [each.name, each.after]));
    const items = PHASES.map((name, i) => {
      const done = run.state === "done" || i < last, now = run.state === "running" && i === last;
      const item = put("li", now ? "now" : done || i === last ? "past" : "", name);
      if (now) item.setAttribute("aria-current", "step");
      if (name in after) item.append(make("small", `after ${after[name].toFixed(1)} s`));
      return item;
    });
    return put("ol", "steps", ...items);
  };
  const load = (octets) => (octets < 1e4 ? `${octets} bytes` : octets < 1e7 ? `${(octets / 1e3).toFixed(0)} KB` : `${(octets / 1e6).toFixed(1)} MB`);

  const progress = (run) => {
    const [done, total] = run.moved;
    const bar = total ? make("progress", "", { max: total, value: done }) : null;
    if (bar) bar.setAttribute("aria-label", "Bytes sent");
    const ended = run.state === "running" ? "" : `, ended after ${run.seconds.toFixed(1)} s`;
    return [
      steps(run),
      make("p", `${run.total ? `${run.present} of ${run.total} parties are here` : "Connecting"}${ended}.`),
      bar, total ? make("p", `${load(done)} of ${load(total)} sent.`) : null,
      ...run.warnings.map((text) => put("div", "note", make("p", text))),
      run.error ? note(new Problem(run.error)) : null,
    ];
  };

  const presence = (one, run) => {
    const parties = one.parties.map((party) => {
      const here = !run ? "" : party.name === one.me ? "● here" : run.away === null ? "○ not known yet" : run.away.includes(party.name) ? "○ not here" : "● here";
      return [party.name === one.me ? `${party.name} (you)` : party.name, party.roles.join(", "), one.keys[party.name] || "", here];
    });
    return [table(["party", "roles", "key", ...(run ? ["here"] : [])], run ? parties : parties.map((row) => row.slice(0, 3))), one.more ? make("p", `and ${one.more} more parties`) : null];
  };

  const figure = (place, one) => {
    const { single } = one;
    const cut = one.of ? `, the first ${one.rows.length} of ${one.of.toLocaleString("en")} values` : "";
    const found = put("figure", "", make("figcaption", one.name + (one.unit ? ` in ${one.unit}` : "") + cut));
    if (single) found.append(make("p", Chart.said(Chart.rounded(one.rows[0]), one.rows[0].error, one.unit), { className: "big" }));
    if (single && one.rows[0].exact) found.append(make("p", `rounded; exactly ${one.rows[0].exact}`, { className: "lead" }));
    const picture = Chart.picture(place, one);
    if (picture) found.append(picture);
    if (!single) {
      const rows = one.rows.map((row) => [row.label, Chart.said(row.value, row.error, "") + (row.exact ? `, exactly ${row.exact}` : "")]);
      const shown = table([one.name, one.unit || "value"], rows, [1]);
      found.append(picture ? folded("As a table", false, shown) : shown);
    }
    return found;
  };
  const result = (found, party) => {
    const place = main, noised = (found.outputs || []).some((output) => output.error95 !== undefined);
    return [
      ...(found.outputs || []).map((output) => figure(place, Chart.series(output))),
      noised ? make("p", "Noise was added on purpose. Behind ± is half of the 95% interval: 95 times in 100 the truth is within.", { className: "lead" }) : null,
      found.why ? put("div", "note", make("p", found.why)) : null,
      make("p", found.contributors === undefined ? "The manifest gives this party no result." : `From ${found.contributors} contributors. ${found.status === "released" ? "The figures are exact." : `The answer is ${found.status}.`}`),
      facts([["Session", make("code", found.session)], ["Manifest", make("code", found.manifest_sha256)], ...(found.receipt ? [["Receipt", found.receipt]] : [])]),
      button("Save it as JSON", async () => {
        const whole = await ask(`results/${found.session}/${encodeURIComponent(party)}?whole`);
        save(`result-${found.session.slice(0, 12)}.json`, "application/json", `${JSON.stringify(whole.result, null, 1)}\n`);
      }, true),
    ];
  };

  // The input

  const answerFields = (form) => {
    if (form.kind === "choice") return Parts.choice(form.options);
    if (form.kind === "lines") return Parts.lines(form.least === form.most ? form.most : `${form.least} to ${form.most}`);
    if (form.kind === "number") return Parts.one(Parts.bounds(form), form.whole);
    return [cells(form)];
  };
  const cells = (form) => {
    const columns = form.columns.length ? form.columns : [""], rows = form.rows.length ? form.rows : [""];
    const field = (row, column, what) => {
      const input = make("input", "", { type: "text", inputMode: "decimal", autocomplete: "off" });
      input.setAttribute("aria-label", [row, column, what].filter(Boolean).join(", "));
      return input;
    };
    const heads = columns.flatMap((column) => (form.heads ? [`${column} sum`.trim(), `${column} heads`.trim()] : [column || `value${form.unit ? ` in ${form.unit}` : ""}`]));
    const body = rows.map((row) => [row, ...columns.flatMap((column) => (form.heads ? [field(row, column, "sum"), field(row, column, "heads")] : [field(row, column, "")]))]);
    const found = table(["group", ...heads], body);
    found.classList.add("cells");
    return found;
  };
  const answered = (form, place) => {
    if (form.kind === "choice") return chosen(place);
    if (form.kind !== "cells") return at("answer").value;
    const values = [...place.querySelectorAll("input")].map((input) => input.value.trim());
    return form.heads ? values.filter((_, i) => i % 2 === 0).map((sum, i) => [sum, values[2 * i + 1]]) : values;
  };

  /** Words for a field, and the option of the command line that it stands for: errors name that. */
  const named = (words) => {
    const [what, option] = words.split(" (--");
    return option ? [`${what} `, make("span", `--${option.slice(0, -1)}`, { className: "option" })] : [what];
  };
  const picked = (words, options, first) => {
    const select = make("select");
    select.append(make("option", first, { value: "" }), ...options.map((option) => make("option", option, { value: option })));
    return [put("label", "", ...named(words), select), select];
  };
  const typed = (words, more = {}) => {
    const input = make("input", "", { type: "text", autocomplete: "off", spellcheck: false, ...more });
    return [put("label", "", ...named(words), input), input];
  };
  const tick = (words) => {
    const input = make("input", "", { type: "checkbox" });
    return [put("label", "tick", input, put("span", "", ...named(words))), input];
  };
  const tableFields = (form, columns) => {
    const its = form.table, many = (n, words, first) => Array.from({ length: Math.min(n, 12) }, (_, i) => picked(n > 1 ? `${words} ${i + 1}` : words, columns, first));
    const values = many(its.values, "Column of the values (--value)", "none: the file is no table");
    const groups = many(its.groups, "Column of the groups (--group)", "none");
    const weight = its.weight ? picked("Column of weights (--weight)", columns, "none") : null;
    const heads = its.heads ? picked("Column of heads (--heads)", columns, "none: a row is one") : null;
    const decimal = picked("Before decimals (--decimal)", [",", "."], "not said: a point");
    const thousands = picked("Between thousands (--thousands)", [",", ".", "'", " "], "none");
    const where = typed("Which rows, in SQL (--where)", { placeholder: "Year = '2026'" }), sheet = typed("Sheet or table (--sheet)");
    const sum = tick("Add all rows up to one number (--sum)"), skip = tick("Leave rows with a blank cell out (--skip-empty)");
    const shown = [...values, ...groups, weight, heads].filter(Boolean).map(([label]) => label);
    const more = folded("Signs, sheets, rows", false, put("div", "row", decimal[0], thousands[0], sheet[0], where[0], its.groups ? null : sum[0], skip[0]));
    const read = () => ({
      values: values.map(([, s]) => s.value).filter(Boolean), groups: groups.map(([, s]) => s.value).filter(Boolean),
      weight: weight ? weight[1].value : "", heads: heads ? heads[1].value : "", sheet: sheet[1].value, where: where[1].value,
      decimal: decimal[1].value, thousands: thousands[1].value, add_up: sum[1].checked, skip_empty: skip[1].checked,
    });
    return [columns.length ? put("div", "row", ...shown) : null, more, read];
  };

  const inputPart = (one) => {
    const path = `sessions/${one.digest}`, form = one.form, place = put("div", "");
    const preview = (found) => {
      const parts = found.lines && found.lines.length ? [make("h3", found.error ? "What was read" : "What would be sent"), make("div", found.lines.join("\n"), { className: "preview" })] : [];
      if (found.error) { place.replaceChildren(...parts, note(new Problem(found.error))); return; }
      place.replaceChildren(...parts,
        make("p", "It is split into shares first. No single party can read it; what becomes known stands above."),
        put("p", "", button("Send and take part", async () => { await ask(`${path}/run`, {}); await render(); }, false), button("Change it", async () => { await ask(`${path}/forget`, {}); await render(); }, true)));
      place.querySelector("button").focus();
    };
    const byHand = make("form", "", { noValidate: true, autocomplete: "off" });
    const fields = put("div", "");
    fields.id = "body-answer";
    if (form.kind !== "file") {
      fill(fields, answerFields(form), "asked");
      const go = button("Look at what would be sent");
      byHand.append(fields, go);
      byHand.addEventListener("submit", guarded(async () => { place.replaceChildren(); preview(await ask(`${path}/input`, { answer: answered(form, fields) })); }, go));
    }
    const byFile = make("form"), choose = make("input", "", { type: "file", id: "file" }), rest = put("div", "");
    const empty = button("Save a table to fill in", async () => save("input.csv", "text/csv", (await ask(`${path}/template`)).csv), true);
    byFile.append(make("label", "A spreadsheet, CSV, TSV, JSON, Parquet, SQLite or .npy. It stays on this machine.", { htmlFor: "file" }), choose, empty, rest);
    byFile.addEventListener("submit", (event) => event.preventDefault());
    choose.addEventListener("change", guarded(async () => {
      place.replaceChildren();
      rest.replaceChildren();
      const [file] = choose.files;
      if (!file) return;
      const found = await ask(`${path}/file?name=${encodeURIComponent(file.name)}`, file, "PUT");
      const [columns, more, read] = tableFields(form, found.columns);
      const go = button("Look at what would be sent", async () => { place.replaceChildren(); preview(await ask(`${path}/input`, { selection: read() })); });
      rest.append(...[columns, more, go].filter(Boolean));
    }, choose));
    const ways = [byHand, byFile], radios = ["by hand", "from a file"].map((words, i) => {
      const input = make("input", "", { type: "radio", name: "way", checked: i === (form.kind === "file" ? 1 : 0) });
      input.addEventListener("change", () => { ways.forEach((way, k) => { way.hidden = k !== i; }); place.replaceChildren(); });
      return put("label", "", input, words);
    });
    ways.forEach((way, i) => { way.hidden = i !== (form.kind === "file" ? 1 : 0); });
    if (one.given) queueMicrotask(() => preview({ lines: one.given }));
    const asked = make("p", `You are asked for: ${one.asked}.`, { id: "asked" });
    return [asked, form.kind === "file" ? null : put("fieldset", "switch", make("legend", "How to give it", { className: "unseen" }), ...radios), byHand, byFile, place];
  };

  const keysPart = (one, path) => {
    if (one.trust === "known") return [make("p", `All keys are known on this machine. Six words of the manifest: ${one.words}.`)];
    const names = Object.entries(one.keys).filter(([, words]) => words.startsWith("NEW")).map(([name]) => name);
    return [
      make("div", one.words, { className: "words" }),
      one.trust === "changed"
        ? put("div", "note bad", make("p", "A key CHANGED. Ask its owner by voice whether it has a new one; nothing is sent until then."), make("p", "With a file from its owner: ostraka known renew FILE; without one: ostraka known forget NAME", { className: "hint" }))
        : put("div", "note", make("p", `This machine meets ${names.join(", ")} for the first time. Call one of them, and compare the six words: if the manifest was swapped on its way, they differ.`)),
      one.trust === "changed" ? null : put("p", "", button("They are the same", async () => { await ask(`${path}/confirm`, {}); await render(); }), button("They differ", () => { location.hash = "#/sessions"; say("Do not go on with that manifest: ask its author for it again, another way."); }, true)),
    ];
  };

  const session = async (digest) => {
    const path = `sessions/${digest}`, one = await ask(path), run = one.run;
    const running = run && run.state === "running", trusted = one.trust === "known";
    const shown = put("div", ""), whom = put("div", "", ...presence(one, run).filter(Boolean));
    const update = (now) => { shown.replaceChildren(...progress(now).filter(Boolean)); whom.replaceChildren(...presence(one, now).filter(Boolean)); };
    if (run) update(run);
    if (running) watch(digest, update);
    const input = () => {
      if (!one.me) return [put("div", "note bad", make("p", one.why))];
      if (!trusted) return [make("p", "Confirm the keys first.")];
      if (one.on_record) return [make("p", "An earlier run of this session was stopped. Its input is on record, and it goes on where it was."), button("Go on with it", async () => { await ask(`${path}/run`, {}); await render(); })];
      if (one.form) return inputPart(one);
      return [make("p", "The manifest asks you for no input."), button("Take part", async () => { await ask(`${path}/run`, {}); await render(); })];
    };
    return [
      put("p", "", link("#/sessions", "All sessions")),
      make("h1", one.title), put("p", "lead", chip(run ? run.state : one.result ? "done" : ""), ` ${one.me ? `here you are ${one.me}` : ""}`),
      one.result && !run ? put("p", "note", link(`#/results/${one.result}/${encodeURIComponent(one.me)}`, "The result of the last run is kept.")) : null,
      ...(run && run.result ? [make("h2", "Result"), ...result(run.result, one.me)] : []),
      ...(run ? [make("h2", "Progress"), shown, running ? button("Stop it, for all parties", async () => { await ask(`${path}/stop`, {}); await render(); }, true) : null] : []),
      ...(run ? [folded("What becomes known, and to whom", false, sayings(one.says))] : [make("h2", "What becomes known, and to whom"), sayings(one.says)]),
      one.noise.length ? folded("What noise does to the answer", false, sayings(one.noise), one.errors.length ? make("div", one.errors.join("\n"), { className: "preview errors" }) : null) : null,
      folded("The manifest", false, facts([
        ["Protocol", `${one.protocol}${one.figures.length ? `: ${one.figures.join(", ")}` : ""}`], ...one.inputs.map((words) => ["Input", words]), ["Sharing", one.sharing],
        ["Links", one.links], ["File", one.file], ["To gather", `${one.deadline} s`], ["It costs", `${one.rounds} rounds; you send ${load(one.bytes)}`], ["SHA-256", make("code", one.digest)],
      ])),
      make("h2", "Who takes part"), whom,
      ...(run && trusted ? [] : [make("h2", "Whose keys these are"), ...keysPart(one, path)]),
      ...(running ? [] : run && run.state === "done" ? [folded("Take part again", false, ...input())] : [make("h2", "Your input"), ...input()]),
    ];
  };

  let watching = 0;
  const watch = async (digest, update) => {
    const mine = ++watching, here = location.hash;
    while (mine === watching && here === location.hash) {
      await new Promise((resolve) => { setTimeout(resolve, 400); });
      let found;
      try { found = await ask(`sessions/${digest}/run`); } catch (error) { say(error.message); return; }
      if (mine !== watching || here !== location.hash) return;
      if (found.run.state !== "running" || found.run.result) {
        if (found.run.state === "running") { update(found.run); continue; }
        say(found.run.state === "done" ? "The session is done." : "The session has failed.");
        await render();
        return;
      }
      update(found.run);
    }
  };

  // --- invitations ----------------------------------------------------------------------------------

  const INVITED = { waiting: "answered; the organiser has not sealed the draft yet", sealed: "its manifest is here", taken: "taken: it is among the sessions", failed: "it came to nothing" };
  const invitation = (one) => {
    const path = `invitations/${one.draft}`;
    const body = one.state === "sealed" ? [
      make("p", `${one.parties.join(", ")} take part. The organiser vouches for their keys; six words of the manifest:`), make("div", one.words, { className: "words" }), sayings(one.says),
      put("div", "", button("Take part", async () => { await ask(`${path}/accept`, {}); location.hash = "#/sessions"; }), button("Decline", async () => { await ask(`${path}/decline`, {}); await render(); }, true)),
    ] : one.state === "failed" ? [note(new Problem(one.error))] : [];
    return put("li", "", make("strong", one.title || `Invitation of ${one.name}`), make("span", one.name, { className: "chip" }),
      make("p", `${INVITED[one.state]}; the code ends ${moment(one.expires * 1000)}.`), put("p", "", "Your key: ", make("code", one.fingerprint)), ...body.map((each) => put("div", "", each)));
  };
  const invitations = async () => {
    const found = await ask("sessions"), form = make("form"), code = make("input", "", { id: "code", autocomplete: "off", autocapitalize: "none", spellcheck: false }), go = button("Answer it");
    form.append(make("label", "Paste the code that the organiser sent you: ostraka1-...", { htmlFor: "code" }), code, go);
    form.addEventListener("submit", guarded(async () => { await ask("join", { code: code.value }); await render(); }, go));
    if (found.invitations.some((one) => one.state === "waiting")) soon();
    const draft = (one) => {
      const told = make("p", `Invited: ${one.invited.join(", ") || "nobody but reporters"}.`);
      const look = async () => {
        const state = await ask(`drafts/${one.draft}/look`, {});
        told.textContent = `Joined: ${state.joined.join(", ") || "none yet"}. ${state.missing.length ? `Not yet: ${state.missing.join(", ")}.` : `All are there: ostraka seal ${one.draft}`}`;
      };
      return put("li", "", make("strong", one.title), make("span", one.sealed ? "sealed" : "draft", { className: "chip" }), told, one.invited.length && !one.sealed ? button("Who has joined?", look, true) : null);
    };
    return [
      make("h1", "Invitations"), form,
      found.invitations.length ? put("ul", "cards", ...found.invitations.map(invitation)) : null,
      make("h2", "Drafts that you have made"),
      found.drafts.length ? put("ul", "cards", ...found.drafts.map(draft)) : make("p", "There is none: ostraka new PROTOCOL ... --invite NAME,NAME makes one."),
    ];
  };
  const soon = () => {
    const here = location.hash;
    setTimeout(() => { if (here === location.hash && !at("code").value) render(); }, 1500);
  };

  // --- papers ---------------------------------------------------------------------------------------

  const results = async () => {
    const found = (await ask("results")).results;
    return [
      make("h1", "Results"),
      make("p", "They are kept until you delete them: ostraka result SESSION --forget.", { className: "lead" }),
      found.length ? put("ul", "cards", ...found.map((one) => put("li", "", link(`#/results/${one.session}/${encodeURIComponent(one.party)}`, one.title), make("span", one.status, { className: "chip" }), make("p", `${moment(one.at)}, as ${one.party}`)))) : make("p", "There is none yet."),
    ];
  };
  const resultOf = async (digest, party) => {
    const found = await ask(`results/${digest}/${party}`);
    return [put("p", "", link("#/results", "All results")), make("h1", found.title), make("p", `${moment(found.at)}, as ${found.party}`, { className: "lead" }), ...result(found.result, found.party)];
  };

  const standing = (one) => {
    const left = one.left === undefined ? "no limit" : `${one.left} of ${one.epsilon}`;
    const bound = (text) => (text === "inf" ? "no bound: an exact answer was given" : text);
    return [
      make("h2", one.source || one.series.join(", ")),
      facts([["Series", one.series.join(", ")], ["Runs", `${one.runs}${one.most_runs ? ` of ${one.most_runs}` : ""}`], ["Spent", bound(one.spent)], ["Held", bound(one.held)], ["Left", left]]),
      one.steps.length || (one.epsilon !== undefined && one.exact.length) ? put("figure", "", make("figcaption", `Epsilon, spent or held, over time${one.epsilon === undefined ? "" : "; dashed: the budget"}${one.exact.length ? "; dotted: an exact answer" : ""}`), Chart.budget(main, one)) : null,
    ].filter(Boolean);
  };
  const budget = async () => {
    const found = (await ask("ledger")).ledgers;
    const ledger = (one) => (one.error ? [make("h2", one.party), note(new Problem(one.error))] : [
      ...one.warnings.map((text) => put("div", "note", make("p", text))),
      ...one.budgets.flatMap(standing),
      make("h2", `Runs of ${one.party}`),
      one.runs.length ? table(["when", "title", "state", "counted", "epsilon"], one.runs.slice(-50).reverse().map((run) => [moment(run.at), run.title, run.state, String(run.counted.length), run.cost.epsilon === "inf" ? "exact" : run.cost.epsilon]), [3, 4]) : make("p", "There is none yet."),
    ]);
    return [make("h1", "Budget"), make("p", "What your runs have told of your data, by your own ledger, and what your budgets still allow.", { className: "lead" }), ...(found.length ? found.flatMap(ledger) : [make("p", "There is no ledger yet: the first run makes it.")])];
  };

  const receipts = async () => {
    const found = (await ask("receipts")).receipts;
    const card = (one) => (one.error ? put("li", "", make("strong", one.file), make("span", "does not hold", { className: "chip bad" }), note(new Problem(one.error)))
      : put("li", "", make("strong", one.title), make("span", one.complete ? "holds, complete" : "holds, incomplete", { className: `chip ${one.complete ? "good" : ""}` }),
        make("p", one.file), make("p", `Signed by ${one.signed.join(", ") || "no party"}${one.missing.length ? `; no closing statement of ${one.missing.join(", ")}` : ""}. Counted: ${(one.counted || []).join(", ") || "see ostraka verify"}.`),
        make("p", `Session ${one.session}`), one.weakness ? make("p", one.weakness) : null));
    return [make("h1", "Receipts"), make("p", "Each was checked now, offline: signatures, session, commitments. No input and no result is in a receipt.", { className: "lead" }), found.length ? put("ul", "cards", ...found.map(card)) : make("p", "There is none yet.")];
  };

  // --- routes ---------------------------------------------------------------------------------------

  const ROUTES = { sessions, invitations, results, budget, receipts };
  let shown = "", renders = 0;
  const render = async () => {
    const mine = ++renders;
    const [, tab = "sessions", ...rest] = location.hash.split("/"), moved = shown !== location.hash;
    document.querySelectorAll("#tabs a").forEach((each) => { each.hash === `#/${tab}` ? each.setAttribute("aria-current", "page") : each.removeAttribute("aria-current"); });
    let parts;
    try {
      const view = tab === "sessions" && rest.length ? () => session(rest[0]) : tab === "results" && rest.length === 2 ? () => resultOf(...rest) : ROUTES[tab] || sessions;
      parts = await view();
    } catch (error) {
      parts = [make("h1", "ostraka"), note(error)];
    }
    if (mine !== renders) return; // another view was asked for meanwhile
    const top = scrollY;
    main.replaceChildren(...parts.filter(Boolean));
    document.title = `${main.querySelector("h1").textContent} - ostraka`;
    if (moved && shown) { main.focus({ preventScroll: true }); scrollTo(0, 0); } else scrollTo(0, top);
    shown = location.hash;
  };
  addEventListener("hashchange", () => { say(""); render(); });
  at("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
  show("status", true);
  ask("sessions").then((found) => { at("me").textContent = found.name; at("release").textContent = `ostraka ${found.release}`; }).catch(() => {});
  render();
})();
