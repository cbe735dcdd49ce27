// When a source's value was due, and what form it has, as in verify.py.

import { sha256 } from "./sha256.js";

const LAST_SECOND = 253402300799; // of the year 9999

/** Whole seconds since 1970, and whether a fraction of one follows. */
export function secondOf(moment) {
  const [whole, fraction = ""] = moment.slice(0, -1).split(".");
  const seconds = Date.parse(`${whole}Z`) / 1000;
  const parted = /[1-9]/.test(fraction);
  return { second: seconds < 0 && parted ? seconds + 1 : seconds, parted };
}

/** When the value of the last of `sources` is due, in seconds: of the first at its first drawing a lead after the
 * commitment, of each other at its first drawing once the one before has failed. */
export function firstDue(committedAt, leadSeconds, sources) {
  let second = secondOf(committedAt).second + 1 + leadSeconds;
  sources.forEach((source, turn) => {
    const began = source.anchor ? secondOf(source.anchor).second : 0;
    second = began + Math.ceil((second - began) / source.period_seconds) * source.period_seconds;
    if (turn < sources.length - 1) second += source.fails_after_seconds || source.period_seconds;
    if (second > LAST_SECOND) throw new RangeError("a value is due after the year 9999");
  });
  return second;
}

/** Which drawing it is, from 1 at the anchor. */
export function numberOf({ anchor, period_seconds: period }, due) {
  const { second, parted } = secondOf(anchor);
  const since = due - second;
  return Math.floor((parted && since > 0 ? since - 1 : since) / period) + 1;
}

/** As RFC 3797 §4.1 writes what a lottery drew: ascending numbers, `.` behind each, `/` behind each list. */
export function writtenAsDrawn(value) {
  const lists = value.split("/");
  if (lists.pop() !== "") return false;
  return lists.every((one) => {
    if (!/^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8}))*\.$/.test(one)) return false;
    const numbers = one.split(".").slice(0, -1).map(Number);
    return numbers.every((number, place) => place === 0 || numbers[place - 1] <= number);
  });
}

/** Six numbers of 1 to 45 from the rehearsal's announced seed, ascending. */
export function rehearsed(seed, what) {
  const numbers = new Set();
  for (let turn = 0; numbers.size < 6; turn += 1) {
    const rest = sha256(`${seed}:${what}:${turn}`).reduce((left, byte) => (left * 256 + byte) % 45, 0);
    numbers.add(rest + 1);
  }
  const ascending = [...numbers].sort((one, other) => one - other);
  return `${ascending.map((number) => `${number}.`).join("")}/`;
}
