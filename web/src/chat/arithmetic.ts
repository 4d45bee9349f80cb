// The value of an arithmetic expression: a parser by precedence, since the page's policy knows no
// eval. -2^2 is -4; ^ and ** bind to the right.

const kFunctions: Record<string, (x: number) => number> = {
  sqrt: Math.sqrt,
  abs: Math.abs,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  ln: Math.log,
  log: Math.log10,
  exp: Math.exp,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
};
const kConstants: Record<string, number> = { pi: Math.PI, e: Math.E };
const kToken =
  /\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z]+|\*\*|[-+*/%^()])/y;
const kLongest = 1000; // characters: bounds the depth as well

const kBinary: Record<string, { power: number; apply: (a: number, b: number) => number }> = {
  '+': { power: 1, apply: (a, b) => a + b },
  '-': { power: 1, apply: (a, b) => a - b },
  '*': { power: 2, apply: (a, b) => a * b },
  '/': { power: 2, apply: (a, b) => a / b },
  '%': { power: 2, apply: (a, b) => a % b },
  '^': { power: 4, apply: (a, b) => a ** b },
};
const kUnaryPower = 3;
const kRightBinding = 4;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const plain = text.trim().replaceAll('×', '*').replaceAll('÷', '/').replaceAll('−', '-');
  if (plain.length > kLongest)
    throw new Error(`the expression is longer than ${kLongest} characters`);
  kToken.lastIndex = 0;
  for (let at = 0; at < plain.length; at = kToken.lastIndex) {
    const found = kToken.exec(plain)?.[1];
    if (found === undefined) throw new Error(`unexpected '${plain.slice(at).trim().charAt(0)}'`);
    tokens.push(found === '**' ? '^' : found);
  }
  return tokens;
}

// Throws an Error that says what is wrong. Rounded to 15 digits: 0.1 + 0.2 is 0.3.
export function evaluate(text: string): number {
  const tokens = tokensOf(text);
  let at = 0;
  const take = (token: string): void => {
    if (tokens[at] !== token) throw new Error(`'${token}' is missing`);
    at += 1;
  };
  const operand = (): number => {
    const token = tokens[at++];
    if (token === undefined) throw new Error('the expression is not complete');
    if (token === '-') return -expression(kUnaryPower);
    if (token === '+') return expression(kUnaryPower);
    if (token === '(') {
      const inner = expression(0);
      take(')');
      return inner;
    }
    if (/^[\d.]/.test(token)) return Number(token);
    const name = token.toLowerCase();
    if (Object.hasOwn(kConstants, name)) return kConstants[name] ?? 0;
    if (!Object.hasOwn(kFunctions, name)) throw new Error(`'${token}' is unknown`);
    take('(');
    const argument = expression(0);
    take(')');
    return kFunctions[name]?.(argument) ?? 0;
  };
  const expression = (least: number): number => {
    let left = operand();
    for (;;) {
      const sign = tokens[at] ?? '';
      const operator = Object.hasOwn(kBinary, sign) ? kBinary[sign] : undefined;
      if (operator === undefined || operator.power < least) return left;
      at += 1;
      left = operator.apply(
        left,
        expression(operator.power + (operator.power < kRightBinding ? 1 : 0)),
      );
    }
  };
  const value = expression(0);
  if (at < tokens.length) throw new Error(`unexpected '${tokens[at]}'`);
  if (!Number.isFinite(value)) throw new Error('the result is not a finite number');
  return Number(value.toPrecision(15));
}
