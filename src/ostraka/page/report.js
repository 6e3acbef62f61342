"use strict";
/* Reports of a collection, in a browser: codes, checks, sharing, sealing, signing.
   The bytes are those of docs/spec/collections.md and docs/spec/sharing.md; no part of it touches the page. */
const Ostraka = (() => {
  const S = globalThis.crypto && globalThis.crypto.subtle;
  const utf8 = new TextEncoder();
  const P = (1n << 61n) - 1n, TOP = 1n << 64n;
  const OPEN = 0xffffffff;

  class Refused extends Error {}
  const refuse = (text) => { throw new Refused(text); };

  // --- bytes --------------------------------------------------------------------------------------

  const join = (...parts) => {
    const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  };
  const text = (letters) => utf8.encode(letters);
  const little = (number, size) => {
    const out = new Uint8Array(size);
    let rest = BigInt(number);
    for (let i = 0; i < size; i++) { out[i] = Number(rest & 255n); rest >>= 8n; }
    return out;
  };
  const big16 = (number) => Uint8Array.of(number >> 8, number & 255);
  const number = (octets) => octets.reduceRight((n, octet) => (n << 8n) | BigInt(octet), 0n);
  const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const unhex = (letters) => Uint8Array.from(letters.match(/../g) || [], (pair) => parseInt(pair, 16));
  const same = (a, b) => a.length === b.length && a.every((octet, i) => octet === b[i]);
  const base64 = (octets) => { let s = ""; for (const o of octets) s += String.fromCharCode(o); return btoa(s); };
  const unbase64 = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const random = (size) => crypto.getRandomValues(new Uint8Array(size));

  const sha256 = async (...parts) => new Uint8Array(await S.digest("SHA-256", join(...parts)));

  // --- codes --------------------------------------------------------------------------------------

  const base32 = (letters) => {
    const out = [];
    let held = 0, bits = 0;
    for (const letter of letters) {
      const value = "abcdefghijklmnopqrstuvwxyz234567".indexOf(letter);
      if (value < 0) refuse("The code has a letter that no code has. Copy all of it again.");
      held = (held << 5) | value;
      bits += 5;
      if (bits >= 8) { bits -= 8; out.push((held >> bits) & 255); held &= (1 << bits) - 1; }
    }
    return Uint8Array.from(out);
  };

  /** Read a code, or a link that ends with one. */
  const readCode = async (pasted) => {
    const plain = pasted.replace(/\s/g, "").split("#").pop().toLowerCase();
    if (!plain.startsWith("ostraka2-")) refuse("This is no code of an invitation: one begins with ostraka2-.");
    const whole = base32(plain.slice(9)), body = whole.slice(0, -5);
    const check = (await sha256(text("ostraka code 2\0"), body)).slice(0, 5);
    if (body.length <= 52 || !same(check, whole.slice(-5))) {
      refuse("The code was mistyped, or cut short. Copy all of it again.");
    }
    return {
      manifest: body.slice(0, 32),
      credential: Number(number(body.slice(32, 36))),
      secret: body.slice(36, 52),
      mailbox: new TextDecoder().decode(body.slice(52)),
    };
  };

  // --- signatures ---------------------------------------------------------------------------------

  const PKCS8 = unhex("302e020100300506032b657004220420");
  const SPKI = unhex("302a300506032b6570032100");

  /** Return an Ed25519 key of a seed of 32 bytes: {seed, public, sign}. */
  const signer = async (seed) => {
    const key = await S.importKey("pkcs8", join(PKCS8, seed), { name: "Ed25519" }, true, ["sign"]);
    const { x } = await S.exportKey("jwk", key);
    const padded = x.replace(/-/g, "+").replace(/_/g, "/");
    return {
      seed,
      public: unbase64(padded + "=".repeat((4 - (padded.length % 4)) % 4)),
      sign: async (...parts) => new Uint8Array(await S.sign({ name: "Ed25519" }, key, join(...parts))),
    };
  };
  const verifies = async (raw, signature, ...parts) => {
    const key = await S.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    return S.verify({ name: "Ed25519" }, key, signature, join(...parts));
  };
  const credentialKey = async (secret) => {
    const material = await S.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: text("ostraka credential 1") };
    return signer(new Uint8Array(await S.deriveBits(hkdf, material, 256)));
  };

  /** Return the Ed25519 key of a certificate whose fingerprint was checked. */
  const keyOf = (certificate) => {
    for (let i = 0; i + SPKI.length + 32 <= certificate.length; i++) {
      if (SPKI.every((octet, k) => certificate[i + k] === octet)) {
        return certificate.slice(i + SPKI.length, i + SPKI.length + 32);
      }
    }
    return refuse("A certificate has no Ed25519 key.");
  };

  /** Return the body of a statement, if the pinned key has signed it for this manifest. */
  const readStatement = async (label, manifest, pin, octets, what = "keys") => {
    const size = octets[0] + 256 * octets[1], certificate = octets.slice(2, 2 + size);
    const signature = octets.slice(2 + size, 66 + size), body = octets.slice(66 + size);
    if (signature.length !== 64 || !same(await sha256(certificate), pin)) {
      refuse(`A compute party's ${what} are signed by another key than the manifest names. Nothing was sent.`);
    }
    const signed = [text(label), manifest, await sha256(body)];
    if (!(await verifies(keyOf(certificate), signature, ...signed))) {
      refuse(`The signature of a compute party's ${what} does not hold. Nothing was sent.`);
    }
    return body;
  };

  /** Return, in hex, the root of the counted reports in the receipt that a compute party has signed. */
  const signedRoot = async (manifest, pin, octets) => {
    const body = await readStatement("ostraka collection receipt\0", manifest, pin, octets, "results");
    try { return JSON.parse(new TextDecoder().decode(body)).summary.root; } catch { return refuse("A compute party's receipt is none."); }
  };

  // --- HPKE: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode [RFC9180] -------------

  const KEM = join(text("KEM"), big16(0x20));
  const SUITE = join(text("HPKE"), big16(0x20), big16(1), big16(1));
  const VERSION = text("HPKE-v1");
  const hmac = async (key, message) => {
    const raw = key.length ? key : new Uint8Array(32); // HMAC pads with zeros; WebCrypto refuses none
    const imported = await S.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await S.sign("HMAC", imported, message));
  };
  const extract = (suite, salt, label, secret) => hmac(salt, join(VERSION, suite, text(label), secret));
  const expand = async (suite, key, label, info, size) => {
    const labelled = join(big16(size), VERSION, suite, text(label), info);
    let last = new Uint8Array(0), out = last;
    for (let i = 1; out.length < size; i++) {
      last = await hmac(key, join(last, labelled, Uint8Array.of(i)));
      out = join(out, last);
    }
    return out.slice(0, size);
  };

  /** Seal to a public key of 32 bytes. `pair` is given in tests alone. */
  const seal = async (receiver, plain, info, pair) => {
    const own = pair || (await S.generateKey({ name: "X25519" }, true, ["deriveBits"]));
    const enc = new Uint8Array(await S.exportKey("raw", own.publicKey));
    const key = await S.importKey("raw", receiver, { name: "X25519" }, true, []);
    const dh = new Uint8Array(await S.deriveBits({ name: "X25519", public: key }, own.privateKey, 256));
    if (dh.every((octet) => octet === 0)) refuse("A compute party's sealing key is none. Nothing was sent.");
    const none = new Uint8Array(0);
    const shared = await expand(KEM, await extract(KEM, none, "eae_prk", dh), "shared_secret", join(enc, receiver), 32);
    const ids = [await extract(SUITE, none, "psk_id_hash", none), await extract(SUITE, none, "info_hash", info)];
    const context = join(Uint8Array.of(0), ...ids), secret = await extract(SUITE, shared, "secret", none);
    const aes = await S.importKey("raw", await expand(SUITE, secret, "key", context, 16), "AES-GCM", false, ["encrypt"]);
    const iv = await expand(SUITE, secret, "base_nonce", context, 12);
    return join(enc, new Uint8Array(await S.encrypt({ name: "AES-GCM", iv }, aes, plain)));
  };

  // --- sharing ------------------------------------------------------------------------------------

  const mod = (a, m) => ((a % m) + m) % m;
  const power = (base, exponent) => {
    let out = 1n;
    for (let b = mod(base, P), e = exponent; e > 0n; e >>= 1n) {
      if (e & 1n) out = (out * b) % P;
      b = (b * b) % P;
    }
    return out;
  };

  /** Return `count` elements of the stream of a seed, label "share": of F_p, or words. */
  const stream = async (seed, count, field) => {
    const raw = await sha256(text("ostraka stream 1"), seed, text("share"));
    const key = await S.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
    const found = [];
    for (let blocks = 0; found.length < count;) {
      const size = 16 * Math.min(4096, Math.max(1, Math.ceil((count - found.length) / 2)));
      const counter = little(0, 16);
      counter.set(little(blocks, 8).reverse(), 8);
      blocks += size / 16;
      const aes = { name: "AES-CTR", counter, length: 128 };
      const view = new DataView(await S.encrypt(aes, key, new Uint8Array(size)));
      for (let at = 0; at < size && found.length < count; at += 8) {
        const word = view.getBigUint64(at, true), low = word & P;
        if (!field) found.push(word);
        else if (low !== P) found.push(low);
      }
    }
    return found;
  };
  const packed = (elements) => {
    const out = new Uint8Array(8 * elements.length), view = new DataView(out.buffer);
    elements.forEach((element, i) => view.setBigUint64(8 * i, element, true));
    return out;
  };

  /** Return the coefficients of f(X_s) - x in f(X_e), on the points 0 and X_s. */
  const lagrange = (points, at) => points.map((s) => points.reduce((c, o) => o === s ? c
    : (((c * mod(at - o, P)) % P) * power(s - o, P - 2n)) % P, (at * power(s, P - 2n)) % P));

  /** Share signed integers; return each compute party's parcel. `seeds` are given in tests alone. */
  const share = async (scheme, vector, seeds) => {
    const n = scheme.parties, shamir = scheme.name === "shamir";
    const count = shamir ? scheme.threshold : n - 1;
    const drawn = seeds || Array.from({ length: count }, () => random(32));
    const places = Array.from({ length: n }, (_, i) => i);
    const seeded = shamir ? places.slice(0, count) : places.slice(1);
    const fixed = [];
    for (const seed of drawn) fixed.push(await stream(seed, vector.length, shamir));
    const parcels = [];
    seeded.forEach((place, i) => { parcels[place] = drawn[i]; });
    if (!shamir) {
      parcels[0] = packed(vector.map((x, k) => mod(fixed.reduce((left, row) => left - row[k], x), TOP)));
      return parcels;
    }
    const point = (place) => (n > 61 ? BigInt(place + 1) : 1n << BigInt(place));
    for (const place of places.slice(count)) {
      const row = lagrange(seeded.map(point), point(place));
      parcels[place] = packed(vector.map((value, k) => {
        const x = mod(value, P);
        return mod(row.reduce((sum, c, s) => sum + c * (fixed[s][k] - x), x), P);
      }));
    }
    return parcels;
  };

  // --- inputs -------------------------------------------------------------------------------------

  /** Read a number as it is typed, as a whole number of the input's smallest steps. */
  const readNumber = (form, typed) => {
    const plain = typed.trim();
    if (!/^[+-]?[0-9]+(\.[0-9]+)?$/.test(plain)) {
      refuse("is not a number in plain digits, such as 1000 or -2.50");
    }
    const [whole, part = ""] = plain.replace(/^[+-]/, "").split(".");
    const sign = plain.startsWith("-") ? -1n : 1n;
    const value = BigInt(whole + part), scale = 10n ** BigInt(part.length);
    let steps;
    if (form.type === "float") {
      const twice = 2n * value * BigInt(form.unit), halves = twice / scale;
      const exact = twice % scale === 0n;
      steps = halves % 2n === 0n ? halves / 2n
        : exact ? (((halves - 1n) / 2n) % 2n === 0n ? (halves - 1n) / 2n : (halves + 1n) / 2n) : (halves + 1n) / 2n;
    } else {
      if ((value * BigInt(form.unit)) % scale !== 0n) {
        refuse(form.unit === "1" ? "must be a whole number" : `has more than ${form.unit.length - 1} digits after the point`);
      }
      steps = (value * BigInt(form.unit)) / scale;
    }
    steps *= sign;
    const [low, high] = [BigInt(form.low), BigInt(form.high)];
    if (steps < low || steps > high) {
      if (form.clips) return steps < low ? low : high;
      refuse(`must be from ${form.min} to ${form.max}`);
    }
    return steps;
  };

  /** Read the cells of a table: "name, sum, heads" or "sum, heads" a row, or all pairs in one row, as
   *  they are pasted from a spreadsheet (tabs), or typed (semicolons). */
  const readCells = (form, typed) => {
    const apart = typed.includes("\t") ? "\t" : ";";
    let rows = typed.split(/\r?\n/).filter((row) => row.trim() !== "").map((row) => row.split(apart).map((cell) => cell.trim()));
    if (rows.length === 1 && form.count > 1 && rows[0].length === 2 * form.count) {
      rows = form.names.map((_, i) => rows[0].slice(2 * i, 2 * i + 2));
    }
    const named = rows.some((row) => row.length === 3), found = new Map();
    rows.forEach((row, i) => {
      if (row.length !== (named ? 3 : 2)) refuse(`Row ${i + 1} has ${row.length} cells: ${named ? "a name, " : ""}a sum and a number of heads are asked for.`);
      const at = named ? form.names.indexOf(row[0].normalize("NFC")) : i;
      if (at < 0) refuse(`Row ${i + 1}: "${row[0]}" is none of ${form.names.join(", ")}.`);
      if (found.has(at)) refuse(`${form.names[at]} is there twice.`);
      found.set(at, row.slice(-2));
    });
    if (found.size !== form.count || rows.length !== form.count) {
      const missing = form.names.filter((_, i) => !found.has(i));
      refuse(missing.length ? `${missing.join(", ")} is missing: where there is none, write 0 and 0.` : `These are ${rows.length} rows; ${form.count} are asked for.`);
    }
    const read = (kind, i, what) => {
      try { return readNumber(form[kind], found.get(i)[kind === "sum" ? 0 : 1]); } catch (error) {
        throw error instanceof Refused ? new Refused(`The ${what} of ${form.names[i] || "the cell"} ${error.message}.`) : error;
      }
    };
    const sums = form.names.map((_, i) => read("sum", i, "sum"));
    const heads = form.names.map((_, i) => read("heads", i, "number of heads"));
    const none = heads.findIndex((count, i) => count === 0n && sums[i] !== 0n);
    if (none >= 0) refuse(`${form.names[none] || "The cell"} has a sum of no heads.`);
    return [...sums, ...heads];
  };

  /** Return the vector that an answer stands for: of each number a polynomial, of a choice a row; cells are one. */
  const encode = (form, answer) => {
    if (form.kind === "choice") return form.rows[answer].map(BigInt);
    if (form.kind === "cells") return answer;
    return form.terms.flatMap(([a, b, c]) => answer.map((x) => BigInt(a) + BigInt(b) * x + BigInt(c) * x * x));
  };

  /** Return a uniform whole number below a bound, by rejection. */
  const below = (bound) => {
    const size = Math.ceil(bound.toString(2).length / 8), room = 1n << BigInt(8 * size);
    for (;;) {
      const drawn = number(random(size));
      if (drawn < room - (room % bound)) return drawn % bound;
    }
  };

  /** Return the answer, or with probability 1 - truth any of k at random. [Warner65] */
  const respond = (form, answer) => {
    if (!form.truth) return answer;
    const [a, b] = form.truth.map(BigInt);
    return below(b) < a ? answer : Number(below(BigInt(form.rows.length)));
  };

  // --- reports ------------------------------------------------------------------------------------

  /** Check what the mailbox shows of a collection; return its id and the sealing keys. */
  const readTerms = async (page, status) => {
    const manifest = unhex(page.digest), keys = [], digests = [];
    for (const party of page.compute) {
      if (!status.statements[party.name]) refuse(`${party.name} has not accepted this collection yet. Come back later.`);
      const octets = unbase64(status.statements[party.name]);
      const body = await readStatement("ostraka sealing\0", manifest, unhex(party.pin), octets);
      if (body.length !== 32 && body.length !== 32 + 1184 + 32) refuse(`${party.name} published keys of a wrong length.`);
      keys.push(body.slice(0, 32));
      digests.push(await sha256(text("ostraka sealing keys\0"), body));
    }
    return { manifest, keys, collection: await sha256(text("ostraka collection\0"), manifest, ...digests) };
  };

  /** Write a report. `drawn` is given in tests alone. Return its bytes, its digest and its head. */
  const writeReport = async (page, terms, parcels, contributor, credential, counter, drawn = {}) => {
    const place = credential ? credential.number : OPEN;
    const head = join(Uint8Array.of(1, 1), terms.collection, little(place, 4), little(counter, 4),
      drawn.id || random(16), contributor.public);
    const sealed = [], digests = [];
    for (let i = 0; i < parcels.length; i++) {
      if (parcels[i].length !== page.lengths[i]) refuse("This page does not fit the manifest. Nothing was sent.");
      const info = join(text("ostraka parcel info\0"), terms.manifest, little(i, 2), unhex(page.compute[i].pin), head);
      sealed.push(await seal(terms.keys[i], parcels[i], info, drawn.pairs && drawn.pairs[i]));
      digests.push(await sha256(text("ostraka parcel\0"), sealed[i]));
    }
    const digest = await sha256(text("ostraka report\0"), head, ...digests);
    const signatures = [await contributor.sign(text("ostraka report of contributor\0"), digest)];
    if (credential) signatures.push(await credential.key.sign(text("ostraka report of credential\0"), digest));
    return { octets: join(head, ...signatures, ...sealed), digest, head, digests, signatures: join(...signatures) };
  };

  /** Return whether the mailbox's promise holds; which key it must be is not known to a page. */
  const promiseHolds = async (manifest, promise) => {
    const signed = join(text("ostraka promise\0"), manifest, little(promise.position, 8),
      little(promise.minute, 8), unhex(promise.report));
    return verifies(keyOf(unbase64(promise.certificate)), unhex(promise.signature), signed);
  };

  /** Return the root that a proof leads to, for a place and a report's digest. [RFC6962] */
  const rootOf = async (proof, digest) => {
    let hash = await sha256(Uint8Array.of(0), text("ostraka counted\0"), little(proof.place, 4), digest);
    let at = proof.leaf, last = proof.size - 1;
    for (const beside of proof.path.map(unhex)) {
      if (last === 0) return null;
      if (at % 2 === 1 || at === last) {
        hash = await sha256(Uint8Array.of(1), beside, hash);
        while (at % 2 === 0 && at !== 0) { at = Math.floor(at / 2); last = Math.floor(last / 2); }
      } else hash = await sha256(Uint8Array.of(1), hash, beside);
      at = Math.floor(at / 2);
      last = Math.floor(last / 2);
    }
    return last === 0 ? hash : null;
  };

  return {
    OPEN, Refused, base64, credentialKey, encode, hex, promiseHolds, random, readCells, readCode, readNumber, readStatement,
    readTerms, respond, rootOf, same, seal, signedRoot, sha256, share, signer, stream, text, unbase64, unhex, utf8, writeReport,
  };
})();
if (typeof module !== "undefined") module.exports = Ostraka;
