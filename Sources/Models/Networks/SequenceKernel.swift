/// The 32 hidden values an LSTM ends with.
package struct Latents: Sendable, Hashable {
  package static let count = 32
  var low: Lanes
  var high: Lanes

  package subscript(index: Int) -> Float { index < 16 ? low[index] : high[index - 16] }

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
  private let headLanes: [Lanes]
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
    headLanes = Array(head.values.prefix(Latents.count)).lanes
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
      ring.withUnsafeMutableBufferPointer { ring in
        for half in stride(from: 0, to: Self.lanesPerStep, by: 4) {
          var (a, b, c, d) = (bias[half], bias[half + 1], bias[half + 2], bias[half + 3])
          for (column, value) in scaled.enumerated() {
            let base = column * Self.lanesPerStep + half
            let x = Lanes(repeating: value)
            a = a.addingProduct(weights[base], x)
            b = b.addingProduct(weights[base + 1], x)
            c = c.addingProduct(weights[base + 2], x)
            d = d.addingProduct(weights[base + 3], x)
          }
          (ring[start + half], ring[start + half + 1]) = (a, b)
          (ring[start + half + 2], ring[start + half + 3]) = (c, d)
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
        for index in next..<Self.stepCount { state.advance(ring + index * Self.lanesPerStep, weights: weights) }
        for index in 0..<next { state.advance(ring + index * Self.lanesPerStep, weights: weights) }
        return state.hidden
      }
    }
  }

  /// The head: a linear map of the latents and the scaled extras, on top of `offset`.
  package func margin(_ latents: Latents, extras: UnsafeBufferPointer<Float>, offset: Float) -> Float {
    precondition(extras.count == extraCount, "\(extras.count) extras for \(extraCount)")
    var total = (latents.low * headLanes[0] + latents.high * headLanes[1]).sum() + headBias
    for (weight, extra) in zip(extraWeights, extras) { total += weight * extra }
    return total + offset
  }

  package func margin(_ latents: Latents, extras: [Float] = [], offset: Float = 0) -> Float {
    extras.withUnsafeBufferPointer { margin(latents, extras: $0, offset: offset) }
  }
}

/// The recurrent state between two steps.
private struct State {
  var hidden = Latents(low: .zero, high: .zero)
  private var cellLow = Lanes.zero
  private var cellHigh = Lanes.zero

  init() {}

  /// Two passes of 64 gates: eight accumulators hide the latency of the multiply-adds and stay in registers.
  @inline(__always)
  mutating func advance(_ projection: UnsafePointer<Lanes>, weights: UnsafePointer<Lanes>) {
    let (low, high) = withUnsafeBytes(of: hidden) { bytes in
      let h = bytes.assumingMemoryBound(to: Float.self)
      var (a, b, c, d) = Self.gates(projection, weights, h)
      let (inputLow, inputHigh) = (Lanes.sigmoid(a), Lanes.sigmoid(b))
      let (forgetLow, forgetHigh) = (Lanes.sigmoid(c), Lanes.sigmoid(d))
      (a, b, c, d) = Self.gates(projection + 4, weights + 4, h)
      cellLow = (inputLow * .tanh(a)).addingProduct(forgetLow, cellLow)
      cellHigh = (inputHigh * .tanh(b)).addingProduct(forgetHigh, cellHigh)
      return (Lanes.sigmoid(c) * .tanh(cellLow), Lanes.sigmoid(d) * .tanh(cellHigh))
    }
    hidden = Latents(low: low, high: high)
  }

  @inline(__always)
  private static func gates(
    _ projection: UnsafePointer<Lanes>, _ weights: UnsafePointer<Lanes>, _ hidden: UnsafeBufferPointer<Float>
  ) -> (Lanes, Lanes, Lanes, Lanes) {
    var (a, b, c, d) = (projection[0], projection[1], projection[2], projection[3])
    var column = weights
    for unit in 0..<Latents.count {
      let h = Lanes(repeating: hidden[unit])
      a = a.addingProduct(column[0], h)
      b = b.addingProduct(column[1], h)
      c = c.addingProduct(column[2], h)
      d = d.addingProduct(column[3], h)
      column += 8
    }
    return (a, b, c, d)
  }
}
