import { useEffect, useState } from 'preact/hooks';

// Whole seconds until `due` (ms since the epoch), counted down to 0; calls `onDue` once then.
export function useCountdown(due: number, onDue?: () => void): number {
  const left = () => Math.max(0, Math.ceil((due - Date.now()) / 1000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    if (due === 0) return undefined;
    const timer = setInterval(() => {
      setSeconds(left());
      if (Date.now() < due) return;
      clearInterval(timer);
      onDue?.();
    }, 250);
    return () => clearInterval(timer);
  }, [due]);
  return seconds;
}
