// The public surface of eigenscape, and nothing else.

export { EigenscapeError, errorCodes, isEigenscapeError } from './errors.js';
export type {
  EigenscapeErrorCode,
  EigenscapeErrorDetails,
  EigenscapeErrorOptions,
} from './errors.js';
export type { LongCallOptions, Progress } from './progress.js';
export { gemmSpeed, machineInfo } from './machine.js';
export type { GemmSpeedOptions, MachineInfo, MachineSpeed } from './machine.js';

export { createDataset } from './data/create-dataset.js';
export type { DatasetOptions, DTypeOfInputs, InputRows } from './data/create-dataset.js';
export { isDataset } from './data/dataset.js';
export type { Dataset, SplitOptions, StandardizeOptions } from './data/dataset.js';
export type { ArrayOf, DType } from './data/dtype.js';
export type { NumericArray, SampleRows, ShapedArray } from './data/sample-rows.js';
export { circles, gaussianClusters, moons, randomInputs, twoBlobs } from './data/synthetic.js';
export type {
  CirclesOptions,
  GaussianClustersOptions,
  MoonsOptions,
  RandomInputsOptions,
  TwoBlobsOptions,
} from './data/synthetic.js';
export { digits } from './data/digits.js';
export type { DigitsOptions } from './data/digits.js';
export { loadFashionMnist, loadIdx, loadMnist } from './data/idx.js';
export type { IdxOptions, MnistOptions, TrainTest } from './data/idx.js';
export { loadCifar10 } from './data/cifar.js';
export type { Cifar10Options } from './data/cifar.js';
export { loadNpy } from './data/npy.js';
export type { NpyArray, NpyOptions } from './data/npy.js';
export type { StoredArray } from './data/stored-array.js';
export { loadSafetensors } from './data/safetensors.js';
export type { LoadSafetensorsOptions, Safetensors, SafetensorsTensor } from './data/safetensors.js';
export type { SafetensorsType } from './data/safetensors-header.js';
export type { ReadingOptions } from './data/reading.js';
export { loadCsv } from './data/csv.js';
export type { CsvOptions } from './data/csv.js';
export type { FilePath } from './data/file-bytes.js';

export { defineNetwork } from './network/spec.js';
export type {
  ActivationSpec,
  ActivationType,
  AddSpec,
  AvgPool2dSpec,
  BatchNormSpec,
  BinaryCrossEntropySpec,
  BuiltInLossSpec,
  ChannelsFirstSpec,
  ConcatSpec,
  Conv2dSpec,
  CustomLossSpec,
  DenseSpec,
  Extent2d,
  FlattenSpec,
  GlobalAvgPool2dSpec,
  LayerNormSpec,
  LayerSpec,
  LossName,
  LossObject,
  LossSpec,
  LossTarget,
  MaxPool2dSpec,
  MeanSquaredErrorSpec,
  NetworkSpec,
  SoftmaxCrossEntropySpec,
} from './network/spec.js';
export { createNetwork } from './network/create-network.js';
export type { NetworkOptions } from './network/create-network.js';
export type { Network, ParameterTensor } from './network/network.js';
export { loadNetwork } from './network/load-network.js';
export type { LoadNetworkOptions } from './network/load-network.js';
export type { ParameterPoint, ParameterPoints } from './network/points.js';
export type { Initializer } from './network/initializer.js';

export { adam, adamW, sgd } from './training/optimizer.js';
export type {
  Adam,
  AdamOptions,
  AdamW,
  MomentName,
  Optimizer,
  Sgd,
  SgdOptions,
} from './training/optimizer.js';
export { learningRateAt } from './training/schedule.js';
export type {
  CosineDecay,
  ExponentialDecay,
  LearningRate,
  LinearRamp,
  MultiStepDecay,
  PiecewiseRates,
  Schedule,
  StepDecay,
  WarmUp,
} from './training/schedule.js';
export type { BatchOrder, TrainingPhase } from './training/phase.js';
export type { TrainingRecord } from './training/record.js';
export type { Moments, ResumePoint, TrainingState } from './training/state.js';
export { loadCheckpoint } from './training/load-checkpoint.js';
export type { Checkpoint } from './training/load-checkpoint.js';
export { saveCheckpoint } from './training/save-checkpoint.js';
export type { CheckpointContents } from './training/save-checkpoint.js';
export type { TrainingPlan } from './training/checkpoint-file.js';
export type { CheckpointOptions } from './training/checkpoints.js';
export type { SpectrumEdges, TrackedEigenvalues, TrackOptions } from './training/track.js';
export { trainMany } from './training/train-many.js';
export type { ManyRuns, ManyRunsPart, TrainManyOptions } from './training/train-many.js';
export { train } from './training/train.js';
export type { TrainingCall, TrainingHistory, TrainOptions } from './training/train.js';

export {
  CurvatureOperator,
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
} from './curvature/operator.js';
export type {
  CurvatureTerm,
  DenseOptions,
  OperatorOptions,
  OperatorTerm,
  OutlierTerm,
  ProductOptions,
  SymmetricOperator,
} from './curvature/operator.js';
export { outlierTerms } from './curvature/outlier-terms.js';
export { ekfac, kfac } from './curvature/kfac.js';
export type { KfacOptions } from './curvature/kfac.js';
export { monteCarloFisher } from './curvature/monte-carlo-fisher.js';
export type { MonteCarloFisherOptions } from './curvature/monte-carlo-fisher.js';
export { blocks } from './curvature/parameters.js';
export type { ChosenTensor } from './curvature/parameters.js';
export { add, scale, shift } from './curvature/algebra.js';
export { matrixOperator } from './curvature/matrix.js';
export type { MatrixOperator } from './curvature/matrix.js';

export { extremalEigenpairs } from './spectrum/extremal-eigenpairs.js';
export type {
  EigenpairsAtEnd,
  ExtremalEigenpairs,
  ExtremalEigenpairsOptions,
} from './spectrum/extremal-eigenpairs.js';
export { spectralDensity } from './spectrum/spectral-density.js';
export type {
  Estimate,
  ProbeMeasure,
  SpectralDensity,
  SpectralDensityOptions,
} from './spectrum/spectral-density.js';
export { diagonal } from './spectrum/diagonal.js';
export type { DiagonalEstimate, DiagonalOptions } from './spectrum/diagonal.js';
export { marchenkoPastur } from './spectrum/marchenko-pastur.js';
export type { MarchenkoPastur, MarchenkoPasturOptions } from './spectrum/marchenko-pastur.js';
export { negativeCount } from './spectrum/negative-count.js';
export type {
  CertifiedCount,
  EstimatedCount,
  NegativeCount,
  NegativeCountOptions,
} from './spectrum/negative-count.js';
export { frobeniusNorm, trace } from './spectrum/trace.js';
export type { ProbeOptions } from './spectrum/probe-options.js';
export type { FrobeniusNormOptions, TraceEstimate, TraceOptions } from './spectrum/trace.js';
export { denseSpectrum, eigenvalues } from './spectrum/dense-spectrum.js';
export { eigenpairs } from './spectrum/eigenpairs.js';
export type { Eigenpairs, EigenpairsOptions } from './spectrum/eigenpairs.js';
export { spectra } from './spectrum/spectra.js';
export type {
  SpectraOptions,
  SpectraPart,
  SpectraResult,
  TermSpectra,
} from './spectrum/spectra.js';
export { spectrum } from './spectrum/spectrum.js';
export { estimate } from './spectrum/estimate.js';
export type { MethodEstimate, SpectrumEstimate, StageEstimate } from './spectrum/estimate.js';
export type { SpectrumOptions } from './spectrum/prepare.js';
export type { SpectrumMethod } from './spectrum/method.js';
export type {
  DenseRoute,
  DenseSpectrum,
  DensityTermSpectrum,
  DenseTermSpectrum,
  LanczosTermSpectrum,
  Plain,
  SpectrumJson,
  SpectrumResult,
  SpectrumTerm,
  StageTime,
  TermSpectrum,
  WeightDecayTerm,
} from './spectrum/result.js';
export type {
  DenseSpectrumOptions,
  ReducedDirections,
  ReducedInputs,
  SpectrumReduction,
} from './spectrum/reduction.js';
export { attributeOutliers } from './spectrum/attribute-outliers.js';
export type {
  AttributedOutlier,
  AttributeOutliersOptions,
  OutlierShares,
} from './spectrum/attribute-outliers.js';
export type { OutlierPairs } from './spectrum/outlier-pairs.js';
export { countOutliers } from './spectrum/outliers.js';
export type { OutlierCount, OutlierOptions } from './spectrum/outliers.js';

export { barrier } from './landscape/barrier.js';
export type { Barrier, BarrierOptions } from './landscape/barrier.js';
export { interpolate } from './landscape/interpolate.js';
export type { InterpolateOptions, LineProfile } from './landscape/interpolate.js';
export { plane } from './landscape/plane.js';
export type { PlaneDirections, PlaneOptions, PlaneProfile } from './landscape/plane.js';
export type { SurfaceValues } from './landscape/surface.js';
export { trackInterpolation } from './landscape/track-interpolation.js';
export type { TrackedLine, TrackInterpolationOptions } from './landscape/track-interpolation.js';

export { importOnnx } from './onnx/import.js';
export type { ImportOnnxOptions } from './onnx/import.js';
export { exportOnnx } from './onnx/export.js';
export type { ExportOnnxOptions } from './onnx/export.js';
export { compareWithOnnxRuntime } from './onnx/compare.js';
export type { CompareOptions, OnnxComparison, OnnxEnding } from './onnx/compare.js';

export { renderChart } from './report/render.js';
export type { RenderOptions } from './report/render.js';
export type {
  Chart,
  DensityChart,
  DensitySeries,
  EigenvalueSeries,
  EigenvaluesChart,
  HeatMapChart,
  HistogramChart,
  LineAxis,
  LineSeries,
  LinesChart,
  LossCurveChart,
  StepSeries,
} from './report/chart.js';
export type { ReportedSpectrum } from './report/spectrum-report.js';
export type { Claim, Json, Report, ReportData, ReportPart, Table } from './report/report.js';
export { writeReport } from './report/write-report.js';
