import FoundationEssentials
import Market
import TestSupport
import Testing

@testable import Models

/// Figures of the kernels, printed. Run with `CANDLECAST_BENCH=1 swift test -c release --filter KernelBenchmarks`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["CANDLECAST_BENCH"] != nil), .serialized)
struct KernelBenchmarks {
  private func measure(_ name: String, count: Int = 20_000, _ body: (Int) throws -> Float) rethrows {
    let clock = ContinuousClock()
    var sink: Float = 0
    for index in 0..<count / 10 { sink += try body(index) }
    var times: [Int64] = []
    times.reserveCapacity(count)
    for index in 0..<count {
      let start = clock.now
      sink += try body(index)
      times.append((clock.now - start).components.attoseconds / 1_000_000_000)
    }
    times.sort()
    let p50 = Double(times[count / 2]) / 1000
    let p99 = Double(times[count * 99 / 100]) / 1000
    print("bench \(name): p50 \(p50) µs, p99 \(p99) µs (n \(count), sink \(sink.isNaN))")
  }

  @Test(arguments: [4, 6])
  func trees(depth: Int) throws {
    let json = MadeVersion.trees(features: 110, count: 400, depth: depth, seed: 1)
    let clock = ContinuousClock()
    let start = clock.now
    let trees = try TreeEnsemble(json: json)
    print("bench load 400 trees of depth \(depth), \(json.count) bytes: \(clock.now - start)")
    var generator = SplitMix64(seed: 1)
    let rows = (0..<256).map { _ in (0..<110).map { _ in Golden.gridded(&generator) } }
    measure("400 trees of depth \(depth)") { trees.margin(rows[$0 & 255]) }
  }

  @Test func sequence() throws {
    var kernel = try SequenceKernel(tensors: try Golden.tensors())
    var generator = SplitMix64(seed: 1)
    let steps = (0..<256).map { _ in (0..<kernel.inputCount).map { _ in Golden.uniform(&generator) } }
    for step in steps { kernel.push(step) }
    measure("LSTM push") {
      kernel.push(steps[$0 & 255]); return 0
    }
    measure("LSTM run of 60 steps") { _ in kernel.run().map { kernel.margin($0, extras: [0, 0, 0]) } ?? 0 }
  }

  @Test func perceptron() throws {
    let kernel = try PerceptronKernel(tensors: try Golden.tensors())
    var generator = SplitMix64(seed: 1)
    let rows = (0..<256).map { _ in (0..<kernel.inputCount).map { _ in Golden.uniform(&generator) } }
    measure("MLP") { kernel.margin(rows[$0 & 255]) }
  }

  @Test(arguments: [4, 6])
  func bundle(depth: Int) throws {
    let folder = try TemporaryFolder()
    let made = MadeVersion(treeCount: 400, depth: depth)
    let path = try made.write(in: folder.path)
    let clock = ContinuousClock()
    let start = clock.now
    var bundle = try ModelBundle(
      path: path, view: MadeVersion.view, featureSetHash: "cafe", columnNames: made.columnNames)
    print("bench load and verify a version: \(clock.now - start)")
    var generator = SplitMix64(seed: 1)
    let vectors = (0..<256).map { _ in made.vector(&generator) }
    let window = WindowState(minutesLeft: 3, moveBasisPoints: 2)
    measure("observe and predict with A, B, C, MLP, ensemble; 2 × 400 trees of depth \(depth)") { index in
      bundle.observe(vectors[index & 255], closeTime: Timestamp(minute: Int64(index)))
      return bundle.predict(vectors[index & 255], window: window).modelA?.margin ?? 0
    }
  }
}
