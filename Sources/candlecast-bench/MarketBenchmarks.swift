import Market

enum MarketBenchmarks {
  static let all = [
    Benchmark("market.decimal") { name, _ in
      let texts = (0..<1000).map { Array("4\($0)137.9\($0)000000".utf8) }
      var sum: Int128 = 0
      let result = Measurement.seconds(name, n: 1_000_000) {
        for round in 0..<1000 {
          for text in texts { sum += Decimal8(text)?.units ?? Int128(round) }
        }
      }
      precondition(sum != 0, "the work must not be optimised away")
      return result
    }
  ]
}
