// Reading a bundle line by line, and what is reported of it.

import { canonical, Unreadable } from "./hashes.js";

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
}

/** {number, record} of each line; one that is not canonical JSON differs. */
export async function* linesOf(pieces, report, step) {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let number = 0;
  let bytes = 0;
  let rest = new Uint8Array();
  const recordOf = (line, whole) => {
    number += 1;
    let text;
    let record;
    try {
      text = utf8.decode(line);
      record = JSON.parse(text);
    } catch {
      throw new Unreadable({ what: "no-json", line: number });
    }
    if (record === null || typeof record !== "object" || Array.isArray(record)) {
      throw new Unreadable({ what: "no-record", line: number });
    }
    if (!whole || canonical(record) !== text) report.wrong({ what: "not-canonical", line: number });
    return { number, record };
  };
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      let line = piece.subarray(from, end);
      if (rest.length) {
        const joined = new Uint8Array(rest.length + line.length);
        joined.set(rest);
        joined.set(line, rest.length);
        [line, rest] = [joined, new Uint8Array()];
      }
      bytes += line.length + 1;
      from = end + 1;
      yield recordOf(line, true);
      await step(number, bytes);
    }
    const left = new Uint8Array(rest.length + piece.length - from);
    left.set(rest);
    left.set(piece.subarray(from), rest.length);
    rest = left;
  }
  if (rest.length) yield recordOf(rest, false);
}
