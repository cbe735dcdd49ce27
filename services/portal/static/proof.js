// Checks that the published manifest holds this version: RFC 9162 trees, computed here. The proof and the manifest are asked
// for apart; the hash is that of the receipt.
const place = document.getElementById("in");
const BUCKETS = 256;

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function hash(prefix, ...parts) {
  const whole = [prefix, ...parts.flatMap((part) => [...part])];
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(whole)));
}

async function rootOf(leaf, index, count, path) {
  let node = await hash(0, leaf);
  const siblings = [...path];
  let at = index;
  let last = count - 1;
  while (last > 0) {
    if (at % 2 === 1 || at < last) {
      const sibling = fromHex(siblings.shift());
      node = await (at % 2 === 1 ? hash(1, sibling, node) : hash(1, node, sibling));
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return siblings.length ? null : node;
}

async function asked(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(address);
  return answer.json();
}

async function proven() {
  const [proof, manifest] = await Promise.all([asked(place.dataset.proof), asked(place.dataset.manifest)]);
  const [application, , payload] = proof.leaf;
  const bytes = new TextEncoder();
  const id = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.encode(application)));
  const leaf = bytes.encode(JSON.stringify(proof.leaf));
  const inner = await rootOf(leaf, proof.index, proof.count, proof.bucket_path);
  const outer = inner && (await rootOf(inner, id[0], BUCKETS, proof.manifest_path));
  const set = manifest.applications;
  return payload === place.dataset.hash && outer && toHex(outer) === set.root && proof.count === set.counts[id[0]];
}

if (place && globalThis.crypto?.subtle) {
  const button = document.getElementById("prove");
  const told = document.getElementById("proven");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      told.textContent = (await proven()) ? place.dataset.good : place.dataset.bad;
    } catch {
      told.textContent = place.dataset.away;
    }
  });
}
