internal import Glibc

/// Which network, and how it is fitted.
package struct NetworkParameters: Sendable, Equatable, Codable {
  package enum Kind: String, Sendable, Codable {
    /// LSTM with 32 hidden units over `steps` rows, then a linear head on the last hidden state and the extras.
    case sequence
    /// Linear layers to 64, 32, 16 and 1 with batch norm, ReLU and dropout between them.
    case perceptron
  }

  package var kind: Kind
  package var objective = Objective.logistic
  /// Rows a sequence reads, its own among them.
  package var steps = 60
  package var epochs = 50
  /// Epochs without a better validation loss after which the fit stops.
  package var patience = 10
  package var batch = 256
  /// The highest of the one cycle that the rate goes through, see `learningRate(at:)`.
  package var learningRate = 1e-3
  package var weightDecay = 1e-4
  /// Gradients are scaled down to this norm.
  package var gradientNorm = 1.0
  /// Of the latents of a sequence, of every hidden layer of a perceptron.
  package var dropout = 0.2
  package var seed: UInt64 = 0
  /// Threads of one operation. The weights depend on it; with 1 they are the same on any number of processors, and
  /// several networks fitted side by side use the others.
  package var threads = 1

  package init(_ kind: Kind) { self.kind = kind }

  /// The rate after a share of all epochs, 0–1: up from a tenth of the highest in the first fifth, then down along half
  /// a cosine to a hundredth (L. Smith and N. Topin, Super-convergence, 2018).
  package func learningRate(at share: Double) -> Double {
    let rising = 0.2
    if share < rising { return learningRate * (0.1 + 0.9 * share / rising) }
    let fallen = (1 + cos(Double.pi * (share - rising) / (1 - rising))) / 2
    return learningRate * (0.01 + 0.99 * fallen)
  }
}
