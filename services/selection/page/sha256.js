// SHA-256 (FIPS 180-4), computed at once. WebCrypto has it in secure contexts alone, and makes each of the millions of
// short texts here wait for an answer: tests/browser holds this against it.

const ROUNDS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
const START = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
const BLOCK = 64;
const LENGTH = 8; // octets of the length that ends the last block
const utf8 = new TextEncoder();
const words = new Int32Array(64);
const state = new Int32Array(8);
let room = new Uint8Array(4096);
let view = new DataView(room.buffer);

/** Of text as UTF-8, or of bytes; behind the octet `prefix`, where there is one. */
export function sha256(data, prefix) {
  const text = typeof data === "string";
  const from = prefix === undefined ? 0 : 1;
  makeRoom(from + (text ? data.length * 3 : data.length));
  if (from) room[0] = prefix;
  if (text) return digest(from + utf8.encodeInto(data, room.subarray(from)).written);
  room.set(data, from);
  return digest(from + data.length);
}

/** Of two hashes behind the octet `prefix`. */
export function sha256OfTwo(prefix, left, right) {
  room[0] = prefix;
  room.set(left, 1);
  room.set(right, 1 + left.length);
  return digest(1 + left.length + right.length);
}

function makeRoom(length) {
  const needed = length + BLOCK + LENGTH + 1;
  if (needed <= room.length) return;
  room = new Uint8Array(2 * needed);
  view = new DataView(room.buffer);
}

/** Of the first octets in the room. */
function digest(length) {
  const end = Math.ceil((length + 1 + LENGTH) / BLOCK) * BLOCK;
  room.fill(0, length, end);
  room[length] = 0x80;
  view.setUint32(end - 8, Math.floor(length / 2 ** 29));
  view.setUint32(end - 4, length << 3);
  state.set(START);
  for (let at = 0; at < end; at += BLOCK) compress(at);
  const hash = new Uint8Array(32);
  for (let word = 0; word < 8; word += 1) {
    const value = state[word];
    hash[4 * word] = value >>> 24;
    hash[4 * word + 1] = value >>> 16;
    hash[4 * word + 2] = value >>> 8;
    hash[4 * word + 3] = value;
  }
  return hash;
}

function compress(at) {
  for (let turn = 0; turn < 16; turn += 1) words[turn] = view.getInt32(at + 4 * turn);
  for (let turn = 16; turn < 64; turn += 1) {
    const one = words[turn - 15];
    const two = words[turn - 2];
    const first = ((one >>> 7) | (one << 25)) ^ ((one >>> 18) | (one << 14)) ^ (one >>> 3);
    const second = ((two >>> 17) | (two << 15)) ^ ((two >>> 19) | (two << 13)) ^ (two >>> 10);
    words[turn] = words[turn - 16] + first + words[turn - 7] + second;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let turn = 0; turn < 64; turn += 1) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + high + ((e & f) ^ (~e & g)) + ROUNDS[turn] + words[turn]) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}
