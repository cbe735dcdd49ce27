// What a record may be: the shapes of format.js, as in verify.py. Each is closed: no other member, and no other kind.

import { NUMBERS, SHAPES as ROWS, TEXTS } from "./format.js";
import { Unreadable } from "./hashes.js";

/** By its first word, the words of each row, which goes on in lines that begin with a blank. */
export function tableOf(text) {
  const rows = new Map();
  let name = "";
  for (const line of text.trim().split("\n")) {
    let words = line.trim().split(/\s+/);
    if (!line.startsWith(" ")) [name, ...words] = words;
    rows.set(name, [...(rows.get(name) ?? []), ...words]);
  }
  return rows;
}

const SHAPES = tableOf(ROWS);

/** [member, kind] of a record. */
function membersOf(name) {
  return SHAPES.get(name).flatMap((word) => {
    if (word.startsWith("+")) return membersOf(word.slice(1));
    const colon = word.indexOf(":");
    return [[word.slice(0, colon), word.slice(colon + 1)]];
  });
}

function textOf(pattern) {
  const whole = new RegExp(`^(?:${pattern})$`, "su");
  return (value) => typeof value === "string" && whole.test(value);
}

function numberOf(least, most) {
  return (value) => Number.isInteger(value) && least <= value && value <= most;
}

/** A day that the calendar has, at the beginning of the text. */
export function isDay(text) {
  const [year, month, day] = [text.slice(0, 4), text.slice(5, 7), text.slice(8, 10)].map(Number);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return year > 0 && month > 0 && month <= 12 && day > 0 && day <= days[month - 1];
}

const KINDS = new Map([
  ...[...tableOf(TEXTS)].map(([name, [pattern]]) => [name, textOf(pattern)]),
  ...[...tableOf(NUMBERS)].map(([name, [least, most]]) => [name, numberOf(Number(least), Number(most))]),
  ["bool", (value) => typeof value === "boolean"],
  ["stated", isStated],
]);
for (const name of ["day", "moment"]) {
  const isText = KINDS.get(name);
  KINDS.set(name, (value) => isText(value) && isDay(value));
}

function isStated(value) {
  if (Array.isArray(value)) return value.every(KINDS.get("text"));
  return typeof value === "boolean" || KINDS.get("text")(value) || KINDS.get("whole")(value);
}

function checkOf(kind) {
  if (!KINDS.has(kind)) KINDS.set(kind, made(kind));
  return KINDS.get(kind);
}

function made(kind) {
  if (kind.endsWith("?")) {
    const check = checkOf(kind.slice(0, -1));
    return (value) => value === null || check(value);
  }
  if (kind.endsWith("[]")) {
    const each = checkOf(kind.slice(0, -2));
    return (value) => Array.isArray(value) && value.every((one) => each(one));
  }
  if (kind.startsWith("(")) {
    const checks = kind.slice(1, -1).split(",").map(checkOf);
    return (value) =>
      Array.isArray(value) && value.length === checks.length && checks.every((check, place) => check(value[place]));
  }
  return recordOf(kind);
}

function recordOf(name) {
  const members = membersOf(name).map(([member, kind]) => [member, checkOf(kind)]);
  const needed = members.filter(([member]) => !member.startsWith("*") && !member.endsWith("?"));
  const others = members.filter(([member]) => member.endsWith("?")).map(([member, is]) => [member.slice(0, -1), is]);
  const [named] = members.filter(([member]) => member.startsWith("*")).map(([member, is]) => [checkOf(member.slice(1)), is]);
  return (value) => {
    if (!isRecord(value)) return false;
    if (named) return Object.keys(value).every((member) => named[0](member) && named[1](value[member]));
    let found = needed.length;
    for (const [member, is] of needed) if (!is(value[member])) return false;
    for (const [member, is] of others) {
      if (!Object.hasOwn(value, member)) continue;
      if (!is(value[member])) return false;
      found += 1;
    }
    return found === Object.keys(value).length;
  };
}

function isRecord(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Tells what of the value has not the shape. */
export function shaped(name, value, line) {
  if (!checkOf(name)(value)) throw new Unreadable({ what: "malformed", line, ...faultOf(name, value, name) });
}

/** Which member it is, and what it had to be. */
function faultOf(kind, value, path) {
  const plain = kind.replace(/\?$/, "");
  if (Array.isArray(value) && plain.endsWith("[]")) {
    const each = plain.slice(0, -2);
    const place = value.findIndex((one) => !checkOf(each)(one));
    if (place >= 0) return faultOf(each, value[place], `${path}[${place}]`);
  }
  if (isRecord(value) && SHAPES.has(plain)) {
    const members = membersOf(plain).map(([member, one]) => [member.replace(/\?$/, ""), one, !/^\*|\?$/.test(member)]);
    for (const [member, one, needed] of members) {
      if (!Object.hasOwn(value, member)) {
        if (needed) return { path, lacks: member };
      } else if (!checkOf(one)(value[member])) return faultOf(one, value[member], `${path}.${member}`);
    }
    const known = new Set(members.map(([member]) => member));
    const unknown = Object.keys(value).sort().find((member) => !known.has(member));
    if (unknown !== undefined && !members[0][0].startsWith("*")) return { path, unknown };
  }
  return { path, kind, value: (JSON.stringify(value) ?? "").slice(0, 80) };
}
