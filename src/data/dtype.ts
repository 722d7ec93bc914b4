// The two number types that networks, datasets and operators come in.

/** The array that holds numbers of each precision. */
export interface ArrayOf {
  readonly float64: Float64Array;
  readonly float32: Float32Array;
}
/** Precision of parameters, inputs and matrices. */
export type DType = keyof ArrayOf;

const makers: { readonly [K in DType]: (length: number) => ArrayOf[K] } = {
  float64: (length) => new Float64Array(length),
  float32: (length) => new Float32Array(length),
};

/** Zeros of the kind that `dtype` names.
 *  @internal */
export function allocate<D extends DType>(dtype: D, length: number): ArrayOf[D] {
  return makers[dtype](length);
}
