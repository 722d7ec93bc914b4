// The numbers of a tensor, read from where they are stored when they are asked for: weights, which are many,
// piece by piece, so that the event loop turns meanwhile.

/** Numbers in row-major order; float32 and narrower widened without change. */
export class Numbers {
  readonly length: number;
  readonly #read: (index: number) => number;
  #values: Float64Array | undefined;

  private constructor(length: number, read: (index: number) => number) {
    this.length = length;
    this.#read = read;
  }

  /** @param read gives the number at an index */
  static from(length: number, read: (index: number) => number): Numbers {
    return new Numbers(length, read);
  }

  static of(values: ArrayLike<number>): Numbers {
    return new Numbers(values.length, (index) => values[index] ?? NaN);
  }

  /** The number at an index, NaN where there is none. */
  at(index: number): number {
    return index < this.length ? this.#read(index) : NaN;
  }

  /** All of them; for tensors that are small. */
  get values(): Float64Array {
    if (this.#values !== undefined) return this.#values;
    const values = new Float64Array(this.length);
    this.copy(0, values);
    this.#values = values;
    return values;
  }

  /** Writes those from `first` on, as many as `target` has room for. */
  copy(first: number, target: Float64Array): void {
    const read = this.#read;
    for (let index = 0; index < target.length; index += 1) target[index] = read(first + index);
  }

  map(change: (value: number) => number): Numbers {
    return new Numbers(this.length, (index) => change(this.#read(index)));
  }

  /** Those of a matrix with rows and columns exchanged. */
  transposed(rows: number, columns: number): Numbers {
    return new Numbers(this.length, (index) =>
      this.#read((index % rows) * columns + Math.floor(index / rows)),
    );
  }
}
