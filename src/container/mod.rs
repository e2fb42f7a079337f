//! Container: the SageMaker training contract, all paths below one root.
