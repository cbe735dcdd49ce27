// Canonical JSON, hashes and trees (RFC 8785, RFC 9162 §2.1), as in the first part of verify.py.

export const BUCKETS = 256;
const utf8 = new TextEncoder();

/** What is read is no bundle, or not a whole one: nothing more can be said of it. */
export class Unreadable extends Error {
  constructor(finding) {
    super(finding.what);
    this.finding = finding;
  }
}

/** I-JSON without fractions: `JSON.stringify` writes strings and numbers as RFC 8785 asks, names are put in order. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${text(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (typeof value === "string") return text(value);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new TypeError(`${value} is no whole number below 2^53`);
  }
  if (value === undefined) throw new TypeError("a member is missing");
  return JSON.stringify(value);
}

function text(value) {
  if (/\p{Surrogate}/u.test(value)) throw new TypeError("a lone surrogate has no UTF-8 form");
  return JSON.stringify(value);
}

/** SHA-256 of text or bytes. WebCrypto has it in secure contexts alone: https, or http://127.0.0.1. */
async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", typeof data === "string" ? utf8.encode(data) : data));
}

export function hex(bytes) {
  let written = "";
  for (const byte of bytes) written += byte.toString(16).padStart(2, "0");
  return written;
}

export async function sha256Hex(data) {
  return hex(await sha256(data));
}

export function jsonHash(value) {
  return sha256Hex(canonical(value));
}

export function bytesOf(written) {
  if (!/^([0-9a-f]{2})*$/i.test(written)) throw new TypeError("bytes are written in hex");
  return Uint8Array.from(written.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** SHA-256 of the nonce's bytes and the canonical facts. */
export function payloadHash(nonce, facts) {
  return sha256Hex(joined(bytesOf(nonce), utf8.encode(canonical(facts))));
}

export async function bucketOf(identifier) {
  return (await sha256(identifier))[0];
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root over leaves that come one after another: await each `add` before the next one. */
export class Tree {
  #whole = []; // [height, hash] of the whole subtrees, from the left
  size = 0;

  async add(leaf) {
    let height = 0;
    let node = await sha256(joined(LEAF, typeof leaf === "string" ? utf8.encode(leaf) : leaf));
    while (this.#whole.at(-1)?.[0] === height) {
      node = await sha256(joined(NODE, this.#whole.pop()[1], node));
      height += 1;
    }
    this.#whole.push([height, node]);
    this.size += 1;
  }

  async root() {
    if (this.#whole.length === 0) return sha256("");
    const lefts = this.#whole.slice(0, -1).reverse();
    let node = this.#whole.at(-1)[1];
    for (const [, left] of lefts) node = await sha256(joined(NODE, left, node));
    return node;
  }
}

/** A set's count and root by bucket; leaves are added by bucket and id. */
export class Digest {
  #trees = Array.from({ length: BUCKETS }, () => new Tree());

  add(bucket, leaf) {
    return this.#trees[bucket].add(canonical(leaf));
  }

  get count() {
    return this.#trees.reduce((count, tree) => count + tree.size, 0);
  }

  async root() {
    const over = new Tree();
    for (const tree of this.#trees) await over.add(await tree.root());
    return hex(await over.root());
  }

  /** Buckets that are not as the manifest says. */
  async differing(manifest) {
    const { counts, roots } = manifest;
    if (counts.length !== BUCKETS || roots.length !== BUCKETS) throw new TypeError("a manifest has 256 buckets");
    const mine = await Promise.all(this.#trees.map(async (tree) => hex(await tree.root())));
    return mine.flatMap((root, bucket) =>
      root === roots[bucket] && this.#trees[bucket].size === counts[bucket] ? [] : [bucket],
    );
  }
}

/** The order of text by code point, which is that of its UTF-8 bytes: -1, 0 or 1. */
export function compared(one, other) {
  if (one === other) return 0;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  if (at === one.length) return -1;
  if (at === other.length) return 1;
  const [left, right] = [one.charCodeAt(at), other.charCodeAt(at)];
  if (surrogate(left) !== surrogate(right)) return surrogate(left) ? 1 : -1;
  return left < right ? -1 : 1;
}

function surrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdfff;
}
