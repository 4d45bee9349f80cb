const kFastest = 150; // more does not fit on the staff

// The parts of a wind barb: pennants of 50, barbs of 10, half a barb of 5, rounded to the nearest
// 5.
export function barbParts(speed: number): { pennants: number; barbs: number; half: boolean } {
  let rest = Math.round(Math.min(Math.max(speed, 0), kFastest) / 5) * 5;
  const pennants = Math.floor(rest / 50);
  rest -= 50 * pennants;
  return { pennants, barbs: Math.floor(rest / 10), half: rest % 10 === 5 };
}
