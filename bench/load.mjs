// Whether the machine is quiet enough to measure on.

/** @param {{ cores: number, load: number }} environment load before the run began */
export function isBusy({ cores, load }) {
  return load >= cores / 4;
}
