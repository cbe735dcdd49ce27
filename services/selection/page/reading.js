// Reading a bundle line by line, and what is reported of it.

import { LONGEST_LINE } from "./format.js";
import { Unreadable } from "./hashes.js";

const DIFFERENCES_SHOWN = 50;

/** What was looked at. Where nothing differs, the result follows from what was committed alone. */
export class Report {
  depth = "unknown";
  round = null;
  epoch = null;
  checked = [];
  differs = [];
  notChecked = [];
  more = 0; // differences beyond those listed
  confirmed = false; // by two officers: without that it is a proposal
  voided = false;
  selected = []; // the bundle's own results, for the table
  whole = false; // read to its end
  title = null; // of the round, as it was opened
  entries = new Map(); // by application, as the bundle states them
  institutions = new Map(); // by request
  batches = []; // {batch, confirmed, changed}: what each moved, computed again

  wrong(finding) {
    if (this.differs.length < DIFFERENCES_SHOWN) this.differs.push(finding);
    else this.more += 1;
  }

  /** `right`: whether what `finding` names is so. */
  same(right, finding) {
    if (right) this.checked.push(finding);
    else this.wrong(finding);
  }

  get count() {
    return this.differs.length + this.more;
  }
}

/** {number, record, text} of each line; the text with its line feed. */
export async function* linesOf(pieces, step) {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = 0;
  let bytes = 0;
  let rest = new Uint8Array();
  const lineOf = (octets) => {
    number += 1;
    if (octets.length > LONGEST_LINE + 1) throw new Unreadable({ what: "line-long", line: number, most: LONGEST_LINE });
    let text;
    let record;
    try {
      text = utf8.decode(octets);
      record = JSON.parse(text);
    } catch {
      throw new Unreadable({ what: "no-json", line: number });
    }
    if (record === null || typeof record !== "object" || Array.isArray(record)) {
      throw new Unreadable({ what: "no-record", line: number });
    }
    return { number, record, text };
  };
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      let line = piece.subarray(from, end + 1);
      if (rest.length) [line, rest] = [joined(rest, line), new Uint8Array()];
      bytes += line.length;
      from = end + 1;
      yield lineOf(line);
      step(number, bytes);
    }
    rest = joined(rest, piece.subarray(from));
    if (rest.length > LONGEST_LINE + 1) yield lineOf(rest);
  }
  if (rest.length) yield lineOf(rest);
}

function joined(one, other) {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}
