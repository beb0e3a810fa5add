/// The 32 hidden values an LSTM ends with.
package struct Latents: Sendable, Hashable {
  package static let count = 32
  let values: Lanes32

  package subscript(index: Int) -> Float {
    precondition((0..<Self.count).contains(index), "latent \(index) of \(Self.count)")
    return values.withValues { $0[index] }
  }

  package var array: [Float] { (0..<Self.count).map { self[$0] } }
}

/// An LSTM of 32 units over the last 60 steps of a series, restarted from zero for every prediction, with a linear head.
///
/// When a window of 60 slides by one, 59 of its input projections are known already: `push` computes the newest and keeps
/// it in a ring, `run` only does the recurrent part. Gates are in torch's order i, f, g, o. Nothing here allocates after
/// `init`.
package struct SequenceKernel: Sendable {
  package static let stepCount = 60
  package static let gateCount = 4 * Latents.count

  /// Values of one step.
  package let inputCount: Int
  /// Values beside the latents that the head reads.
  package let extraCount: Int
  /// Per input, the 128 weights into the gates.
  private let inputWeights: [Lanes]
  /// Per hidden unit, the 128 weights into the gates.
  private let recurrentWeights: [Lanes]
  private let bias: [Lanes]
  private let headLanes: Lanes32
  private let extraWeights: [Float]
  private let headBias: Float

  /// Projections of the last 60 steps, eight lanes each; the newest is before `next`.
  private var ring: [Lanes]
  private var next = 0
  /// Steps since the last restart, at most 60.
  package private(set) var stepsSeen = 0

  private static let lanesPerStep = gateCount / Lanes.scalarCount

  /// Reads `lstm.weight_ih` [128, n], `lstm.weight_hh` [128, 32], `lstm.bias` [128], `lstm.head.weight` [1, 32 + e] and
  /// `lstm.head.bias` [1].
  package init(tensors: Tensors) throws(TensorError) {
    let input = try tensors.matrix("lstm.weight_ih", rows: Self.gateCount)
    let recurrent = try tensors.matrix("lstm.weight_hh", rows: Self.gateCount, columns: Latents.count)
    let head = try tensors.matrix("lstm.head.weight", rows: 1)
    guard input.columns > 0, head.columns >= Latents.count else {
      throw .wrongShape(name: "lstm.head.weight", expected: "[1, 32 or more]", actual: [1, head.columns])
    }
    inputCount = input.columns
    extraCount = head.columns - Latents.count
    inputWeights = input.columnLanes
    recurrentWeights = recurrent.columnLanes
    bias = try tensors.vector("lstm.bias", count: Self.gateCount).lanes
    let lanes = Array(head.values.prefix(Latents.count)).lanes
    headLanes = Lanes32(a: lanes[0], b: lanes[1], c: lanes[2], d: lanes[3])
    extraWeights = Array(head.values.dropFirst(Latents.count))
    headBias = try tensors.vector("lstm.head.bias", count: 1)[0]
    ring = [Lanes](repeating: .zero, count: Self.stepCount * Self.lanesPerStep)
  }

  package var isReady: Bool { stepsSeen == Self.stepCount }

  /// Forgets the sequence, as after a hole in the series.
  package mutating func restart() { stepsSeen = 0 }

  /// Takes the scaled inputs of the next step.
  package mutating func push(_ scaled: UnsafeBufferPointer<Float>) {
    precondition(scaled.count == inputCount, "a step of \(scaled.count) values for \(inputCount) inputs")
    let start = next * Self.lanesPerStep
    inputWeights.withUnsafeBufferPointer { weights in
      bias.withUnsafeBufferPointer { bias in
        ring.withUnsafeMutableBufferPointer { ring in
          guard let weights = weights.baseAddress, let bias = bias.baseAddress else { return }
          for gate in stride(from: 0, to: Self.lanesPerStep, by: 4) {
            var sums = Lanes32(bias + gate)
            for (column, value) in scaled.enumerated() {
              sums.add(weights + column * Self.lanesPerStep + gate, times: Lanes(repeating: value))
            }
            (ring[start + gate], ring[start + gate + 1]) = (sums.a, sums.b)
            (ring[start + gate + 2], ring[start + gate + 3]) = (sums.c, sums.d)
          }
        }
      }
    }
    next = next + 1 == Self.stepCount ? 0 : next + 1
    stepsSeen = min(stepsSeen + 1, Self.stepCount)
  }

  package mutating func push(_ scaled: [Float]) {
    scaled.withUnsafeBufferPointer { push($0) }
  }

  /// The hidden state after the last 60 steps, oldest first, from a zero state; `nil` before there are 60.
  package func run() -> Latents? {
    guard isReady else { return nil }
    return ring.withUnsafeBufferPointer { ring in
      recurrentWeights.withUnsafeBufferPointer { weights in
        guard let ring = ring.baseAddress, let weights = weights.baseAddress else { return nil }
        var state = State()
        // One loop, not one to the ring's end and one from its start: the optimiser vectorises only the first of two copies.
        var index = next
        for _ in 0..<Self.stepCount {
          state.advance(ring + index * Self.lanesPerStep, weights: weights)
          index = index + 1 == Self.stepCount ? 0 : index + 1
        }
        return Latents(values: state.hidden)
      }
    }
  }

  /// The head: a linear map of the latents and the scaled extras, on top of `offset`.
  package func margin(_ latents: Latents, extras: UnsafeBufferPointer<Float>, offset: Float) -> Float {
    precondition(extras.count == extraCount, "\(extras.count) extras for \(extraCount)")
    var total = (latents.values * headLanes).sum + headBias
    for (weight, extra) in zip(extraWeights, extras) { total += weight * extra }
    return total + offset
  }

  package func margin(_ latents: Latents, extras: [Float] = [], offset: Float = 0) -> Float {
    extras.withUnsafeBufferPointer { margin(latents, extras: $0, offset: offset) }
  }
}

/// The recurrent state between two steps.
private struct State {
  var hidden = Lanes32.zero
  private var cell = Lanes32.zero

  init() {}

  /// Two passes of 64 gates: eight accumulators hide the latency of the multiply-adds and stay in registers.
  @inline(__always)
  mutating func advance(_ projection: UnsafePointer<Lanes>, weights: UnsafePointer<Lanes>) {
    let (input, forget) = gates(projection, weights)
    let (candidate, output) = gates(projection + 8, weights + 8)
    cell = forget.map(sigmoid) * cell + input.map(sigmoid) * candidate.map(hyperbolicTangent)
    hidden = output.map(sigmoid) * cell.map(hyperbolicTangent)
  }

  @inline(__always)
  private func gates(_ projection: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>) -> (Lanes32, Lanes32) {
    hidden.withValues { hidden in
      var first = Lanes32(projection)
      var second = Lanes32(projection + 4)
      for unit in 0..<Latents.count {
        let value = Lanes(repeating: hidden[unit])
        let column = weights + unit * 16
        first.add(column, times: value)
        second.add(column + 4, times: value)
      }
      return (first, second)
    }
  }
}
