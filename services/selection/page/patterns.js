// Patterns of certificate numbers, as in verify.py: which the format has, and in how many ways each can be tried.

import { LONGEST_NUMBER, MOST_WAYS } from "./format.js";
import { Unreadable } from "./hashes.js";

const PUNCTUATION = "\\.^$*+?{}[]()|-/\"'#&~@!%,:;<=>_ ";
const BOUNDS = /\{([0-9]{1,4})(,([0-9]{0,4}))?\}/y;
const BLANKS = " \\t\\n\\r\\f\\v";

class SlowPattern extends Error {}

/** Reads a pattern as Python does, and writes it as JavaScript would have it. Policies are announced only with patterns
 * of at most MOST_WAYS: one with more was never announced, and would not be done. */
class Ways {
  #signs;
  #at = 0;

  constructor(pattern) {
    this.#signs = [...pattern];
  }

  /** The same pattern in JavaScript. */
  read() {
    const { source } = this.#alternatives();
    if (this.#at < this.#signs.length) throw new SlowPattern("unbalanced )");
    return source;
  }

  #peek() {
    return this.#signs[this.#at] ?? "";
  }

  /** Of a part {ways, least, source}: `least` the characters it takes. */
  #alternatives() {
    let { ways, least, source } = this.#sequence();
    while (this.#peek() === "|") {
      this.#at += 1;
      const other = this.#sequence();
      ways = bounded(ways + other.ways);
      least = Math.min(least, other.least);
      source += `|${other.source}`;
    }
    return { ways, least, source };
  }

  #sequence() {
    const whole = { ways: 1, least: 0, source: "" };
    while (this.#peek() && !"|)".includes(this.#peek())) {
      const part = this.#repeated(this.#atom());
      whole.ways = bounded(whole.ways * part.ways);
      whole.least += part.least;
      whole.source += part.source;
    }
    return whole;
  }

  #atom() {
    const sign = this.#peek();
    this.#at += 1;
    if (sign === "(") return this.#group();
    if (sign === "^" || sign === "$") return { ways: 1, least: 0, source: sign };
    if ("*+?{}]".includes(sign)) throw new SlowPattern(`${sign} stands alone`);
    const source = sign === "[" ? this.#class() : sign === "\\" ? this.#escape(false) : sign === "." ? "[^\\n]" : sign;
    return { ways: 1, least: 1, source };
  }

  #group() {
    if (this.#peek() === "?") {
      if (this.#signs[this.#at + 1] !== ":") throw new SlowPattern("(?");
      this.#at += 2;
    }
    const inner = this.#alternatives();
    if (this.#peek() !== ")") throw new SlowPattern("( is not closed");
    this.#at += 1;
    return { ...inner, source: `(?:${inner.source})` };
  }

  #class() {
    let source = "[";
    if (this.#peek() === "^") {
      this.#at += 1;
      source += "^";
    }
    const first = this.#at;
    while (this.#peek() !== "]" || this.#at === first) {
      const sign = this.#peek();
      if (!sign || "[]".includes(sign)) throw new SlowPattern("[ is not closed");
      this.#at += 1;
      if ("-&|~".includes(sign) && this.#peek() === sign) throw new SlowPattern(sign + sign);
      source += sign === "\\" ? this.#escape(true) : sign;
    }
    this.#at += 1;
    return `${source}]`;
  }

  #escape(inClass) {
    const sign = this.#peek();
    if (!sign || !("dws".includes(sign) || PUNCTUATION.includes(sign))) throw new SlowPattern(`\\${sign}`);
    this.#at += 1;
    if (sign === "s") return inClass ? BLANKS : `[${BLANKS}]`;
    if ("dw".includes(sign) || (inClass && sign === "-")) return `\\${sign}`;
    return "\\.^$*+?{}[]()|/".includes(sign) ? `\\${sign}` : sign;
  }

  #repeated({ ways, least, source }) {
    const bounds = this.#repetition();
    if (bounds === null) return { ways, least, source };
    const { low, high, written } = bounds;
    if (least === 0 || low > high || "?*+{".includes(this.#peek() || "none")) throw new SlowPattern("repetition");
    const most = Math.max(low, Math.min(high, Math.floor(LONGEST_NUMBER / least)));
    let [total, power] = [0, 1];
    for (let times = 0; times <= most; times += 1) {
      if (times >= low) total = bounded(total + power);
      if (times < most) power = bounded(power * ways);
    }
    return { ways: total, least: least * low, source: source + written };
  }

  #repetition() {
    const sign = this.#peek();
    if (sign && "?*+".includes(sign)) {
      this.#at += 1;
      return { low: sign === "+" ? 1 : 0, high: sign === "?" ? 1 : LONGEST_NUMBER, written: sign };
    }
    if (sign !== "{") return null;
    const rest = this.#signs.slice(this.#at).join("");
    BOUNDS.lastIndex = 0;
    const found = BOUNDS.exec(rest);
    if (found === null) throw new SlowPattern("{ stands alone");
    const [written, low, ranged, high] = found;
    this.#at += written.length;
    return { low: Number(low), high: !ranged ? Number(low) : high ? Number(high) : LONGEST_NUMBER, written };
  }
}

function bounded(ways) {
  if (ways > MOST_WAYS) throw new SlowPattern(`more than ${MOST_WAYS} ways`);
  return ways;
}

/** A regular expression for whole numbers of certificates of that kind. */
export function patternOf({ kind, number_pattern: pattern }) {
  try {
    return new RegExp(`^(?:${new Ways(pattern).read()})$`, "u");
  } catch (error) {
    if (error instanceof SlowPattern || error instanceof SyntaxError) throw new Unreadable({ what: "pattern", kind });
    throw error;
  }
}
