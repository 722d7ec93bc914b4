// Colours that differ for every kind of colour vision (Okabe and Ito 2008), and their lighter twins
// for dark pages: a page maps the first to the second in CSS, so that no chart is drawn twice.

export interface SeriesColour {
  readonly light: string;
  readonly dark: string;
}

const BLUE: SeriesColour = { light: '#0072b2', dark: '#56b4e9' };

export const SERIES_COLOURS: readonly SeriesColour[] = [
  BLUE,
  { light: '#d55e00', dark: '#ff9447' },
  { light: '#009e73', dark: '#33c79e' },
  { light: '#b3528b', dark: '#e39ac4' },
  { light: '#8a6d00', dark: '#e0b93a' },
  { light: '#555555', dark: '#bbbbbb' },
];

export function seriesColour(index: number): SeriesColour {
  return SERIES_COLOURS[index % SERIES_COLOURS.length] ?? BLUE;
}

/** Colours of what is not data; a page replaces them through the roles that vega writes as classes. */
export const INK = { text: '#1f2328', muted: '#59636e', grid: '#e4e7ea', axis: '#8c959f' } as const;
