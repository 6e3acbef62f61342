// Compares src/ostraka/page/report.js with the test vectors; prints one JSON line: what was compared.
// node vectors.js REPORT.js VECTORS-DIRECTORY
const fs = require("fs");
const path = require("path");
const O = require(path.resolve(process.argv[2]));
const vectors = (name) => JSON.parse(
  fs.readFileSync(path.join(process.argv[3], `${name}.json`), "utf8")
    .replace(/(?<=[\[,:\s])(-?\d{16,})(?=[\],\s}])/g, '"$1"'), // beyond what JSON numbers hold here
);
const compared = {};
const equal = (kind, found, wanted) => {
  if (found !== wanted) throw Error(`${kind}: ${found} is not ${wanted}`);
  compared[kind] = (compared[kind] || 0) + 1;
};

const pairOf = async (secret) => {
  const head = O.unhex("302e020100300506032b656e04220420");
  const both = new Uint8Array([...head, ...O.unhex(secret)]);
  const privateKey = await crypto.subtle.importKey("pkcs8", both, { name: "X25519" }, true, ["deriveBits"]);
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  const raw = Uint8Array.from(Buffer.from(x, "base64url"));
  return { privateKey, publicKey: await crypto.subtle.importKey("raw", raw, { name: "X25519" }, true, []) };
};

const sharing = async () => {
  for (const one of vectors("sharing")) {
    const n = one.compute.length, shamir = one.scheme === "shamir";
    const first = one.compute[0];
    const seeded = shamir ? one.compute.slice(0, one.threshold) : one.compute.slice(1);
    if (Object.keys(one.seeds).length && !seeded.every((name) => name in one.parcels)) continue;
    // Reports always seed the first compute parties: vectors of contributors that do so, too.
    const isSeed = (name) => one.parcels[name].length === 64;
    if (!seeded.every(isSeed) || (!shamir && isSeed(first))) continue;
    const seeds = seeded.map((name) => O.unhex(one.parcels[name]));
    const scheme = { name: one.scheme, parties: n, threshold: one.threshold };
    const parcels = await O.share(scheme, one.input.map(BigInt), seeds);
    one.compute.forEach((name, i) => equal(`sharing ${one.scheme}`, O.hex(parcels[i]), one.parcels[name]));
  }
};

const streams = async () => {
  for (const one of vectors("streams").filter((v) => v.label === "share")) {
    for (const [kind, field] of [["words", false], ["elements", true]]) {
      if (!one[kind]) continue;
      const found = await O.stream(O.unhex(one.seed), one[kind].length, field);
      equal(`stream ${kind}`, found.join(), one[kind].map(BigInt).join());
    }
  }
};

const hpke = async () => {
  for (const one of vectors("hpke")) {
    if (one.aad) continue; // reports have none
    const sealed = await O.seal(O.unhex(one.public), O.unhex(one.text), O.unhex(one.info), await pairOf(one.ephemeral));
    equal("hpke", O.hex(sealed), one.sealed);
  }
};

const collection = async () => {
  for (const one of vectors("collection")) {
    const page = {
      digest: one.manifest,
      compute: one.compute.map((name, i) => ({ name, pin: one.pins[i] })),
      lengths: one.lengths,
    };
    const statements = {};
    one.compute.forEach((name, i) => { statements[name] = O.base64(O.unhex(one.statements[i])); });
    const terms = await O.readTerms(page, { statements });
    equal("collection id", O.hex(terms.collection), one.collection);
    const code = await O.readCode(one.link);
    equal("code", O.hex(code.manifest), one.manifest);
    const head = O.unhex(one.report).slice(0, 90);
    const credential = one.invited ? { number: code.credential, key: await O.credentialKey(code.secret) } : null;
    const contributor = await O.signer(O.unhex(one["contributor seed"]));
    const counter = head[38] + 256 * head[39];
    if (head[1] === 1) {
      const pairs = [];
      for (const secret of one.ephemeral) pairs.push(await pairOf(secret));
      const drawn = { id: head.slice(42, 58), pairs };
      const parcels = one.parcels.map(O.unhex);
      const report = await O.writeReport(page, terms, parcels, contributor, credential, counter, drawn);
      equal("report", O.hex(report.octets), one.report);
      equal("report digest", O.hex(report.digest), one.digest);
    }
    equal("promise", await O.promiseHolds(O.unhex(one.manifest), one.promise), true);
    const root = await O.rootOf(one.tree.proof, O.unhex(one.digest));
    equal("proof", O.hex(root), one.tree.root);
    const forged = { ...one.promise, position: one.promise.position + 1 };
    equal("forged promise", await O.promiseHolds(O.unhex(one.manifest), forged), false);
    const moved = { ...one.tree.proof, place: one.tree.proof.place + 1 };
    equal("forged proof", O.hex(await O.rootOf(moved, O.unhex(one.digest))) !== one.tree.root, true);
    for (const name of one.compute) {
      const broken = { ...statements };
      const octets = O.unbase64(broken[name]);
      octets[octets.length - 1] ^= 1;
      broken[name] = O.base64(octets);
      const refused = await O.readTerms(page, { statements: broken }).then(() => false, () => true);
      equal("forged statement", refused, true);
    }
    const mistyped = one.code.slice(0, 30) + (one.code[30] === "a" ? "b" : "a") + one.code.slice(31);
    equal("mistyped code", await O.readCode(mistyped).then(() => false, () => true), true);
  }
};

(async () => {
  for (const part of [sharing, streams, hpke, collection]) await part();
  console.log(JSON.stringify(compared));
})().catch((error) => { console.error(error); process.exit(1); });
