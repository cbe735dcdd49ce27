// Canonical JSON, hashes and trees (RFC 8785, RFC 9162 §2.1), as in the first part of verify.py.

import { sha256, sha256OfTwo } from "./sha256.js";

export const BUCKETS = 256;
const LEAF = 0;
const NODE = 1;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
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
  if (value === undefined) throw new TypeError("a member is missing");
  return JSON.stringify(value);
}

function text(value) {
  if (/\p{Surrogate}/u.test(value)) throw new TypeError("a lone surrogate has no UTF-8 form");
  return JSON.stringify(value);
}

export function hex(bytes) {
  let written = "";
  for (const byte of bytes) written += HEX[byte];
  return written;
}

export function sha256Hex(data) {
  return hex(sha256(data));
}

export function jsonHash(value) {
  return sha256Hex(canonical(value));
}

export function bytesOf(written) {
  return Uint8Array.from(written.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** SHA-256 of the nonce's bytes and the canonical facts. */
export function payloadHash(nonce, facts) {
  const [salt, stated] = [bytesOf(nonce), utf8.encode(canonical(facts))];
  const whole = new Uint8Array(salt.length + stated.length);
  whole.set(salt);
  whole.set(stated, salt.length);
  return sha256Hex(whole);
}

export function bucketOf(identifier) {
  return sha256(identifier)[0];
}

/** The root over leaves that come one after another. */
export class Tree {
  #heights = []; // of the whole subtrees, from the left
  #nodes = [];
  size = 0;

  add(leaf) {
    let height = 0;
    let node = sha256(leaf, LEAF);
    while (this.#heights.at(-1) === height) {
      this.#heights.pop();
      node = sha256OfTwo(NODE, this.#nodes.pop(), node);
      height += 1;
    }
    this.#heights.push(height);
    this.#nodes.push(node);
    this.size += 1;
  }

  root() {
    if (this.size === 0) return sha256("");
    return this.#nodes.reduceRight((node, left) => sha256OfTwo(NODE, left, node));
  }
}

/** A set's count and root by bucket; leaves are added by bucket and id. */
export class Digest {
  #trees = Array.from({ length: BUCKETS }, () => new Tree());

  add(bucket, leaf) {
    this.#trees[bucket].add(canonical(leaf));
  }

  get count() {
    return this.#trees.reduce((count, tree) => count + tree.size, 0);
  }

  root() {
    return over(this.#trees.map((tree) => hex(tree.root())));
  }

  /** Buckets that are not as the manifest says. */
  differing({ counts, roots }) {
    return [...this.#trees.keys()].filter((bucket) => {
      const tree = this.#trees[bucket];
      return tree.size !== counts[bucket] || hex(tree.root()) !== roots[bucket];
    });
  }
}

/** The root over the roots of buckets, each of 32 octets. */
export function over(roots) {
  const tree = new Tree();
  for (const root of roots) tree.add(bytesOf(root));
  return hex(tree.root());
}

/** The order of texts whose letters are ASCII, as all names and ids here are: -1, 0 or 1. */
export function compared(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
