import Market
import Operations
import Storage

/// The store in PostgreSQL, beside what the server itself takes for the same rows.
enum PostgresBenchmarks {
  static func all(_ address: String) -> [Benchmark] {
    let rounds = PostgresRounds(address)
    return PostgresWork.Kind.allCases.flatMap { rows($0, rounds) } + [
      Benchmark("postgres.insert_commit_raw") { try await rounds.run($1).insertRaw($0) },
      Benchmark("postgres.insert_commit_paced") { try await rounds.run($1).insertPaced($0) },
      Benchmark("postgres.commit_latency") { try await rounds.run($1).live($0) },
      Benchmark("postgres.ingest_private") {
        let memory = try await rounds.ingest($1)
        return Measurement(name: $0, unit: "MB", n: memory.candles, figures: .value(memory.privateBytes / 1e6))
      },
      Benchmark("postgres.ingest_resident") {
        let memory = try await rounds.ingest($1)
        return Measurement(name: $0, unit: "MB", n: memory.candles, figures: .value(memory.residentBytes / 1e6))
      },
    ]
  }

  /// Of each work the best time, and how fast it is beside the server's own.
  private static func rows(_ kind: PostgresWork.Kind, _ rounds: PostgresRounds) -> [Benchmark] {
    kind.works.flatMap { work in
      let seconds = Benchmark(work.rawValue) { name, path in
        let seconds = try await rounds.seconds(kind, path).map { $0[work] ?? .infinity }
        return Measurement(name: name, unit: "s", n: PostgresRun.count, figures: .value(seconds.min() ?? .infinity))
      }
      guard work != kind.bare else { return [seconds] }
      let ratio = Benchmark(work.rawValue + kind.ratioSuffix) { name, path in
        let ratios = try await rounds.seconds(kind, path).map { kind.ratio($0[work] ?? .infinity, $0[kind.bare] ?? 0) }
        return Measurement(name: name, unit: "×", n: ratios.count, figures: .value(ratios.sorted()[ratios.count / 2]))
      }
      return [seconds, ratio]
    }
  }
}

/// What is timed.
enum PostgresWork: String, CaseIterable {
  /// What `COPY` takes for the same bytes into a table with the same indexes, which is in one piece.
  case copyIn = "postgres.copy_raw"
  /// Into an empty database, making the partitions included.
  case writeEmpty = "postgres.write_empty"
  /// Over the same candles.
  case writeSame = "postgres.write_same"
  /// Over the same minutes, each tenth with another volume.
  case writeRevisedTenth = "postgres.write_revised_tenth"
  case writeRevisedAll = "postgres.write_revised_all"
  /// Every second minute is there already.
  case writeOtherHalf = "postgres.write_other_half"
  case copyOut = "postgres.copy_out"
  case read = "postgres.read"

  /// Works that are compared with the first of them.
  enum Kind: CaseIterable {
    case writing, reading

    var works: [PostgresWork] {
      switch self {
      case .writing: [.copyIn, .writeEmpty, .writeSame, .writeRevisedTenth, .writeRevisedAll, .writeOtherHalf]
      case .reading: [.copyOut, .read]
      }
    }

    var bare: PostgresWork { works[0] }

    var ratioSuffix: String {
      switch self {
      case .writing: ".speed_of_copy"
      case .reading: ".time_of_copy"
      }
    }

    func ratio(_ seconds: Double, _ bare: Double) -> Double {
      switch self {
      case .writing: bare / seconds
      case .reading: seconds / bare
      }
    }
  }
}

/// Times works by turns, in rounds: what disturbs the machine disturbs all of them.
actor PostgresRounds {
  private static let count = 3

  private let address: String
  private var loaded: PostgresRun?
  private var timed: [PostgresWork.Kind: [[PostgresWork: Double]]] = [:]
  private var measured: PostgresIngest.Memory?

  init(_ address: String) { self.address = address }

  func run(_ path: String) throws -> PostgresRun {
    let run = try loaded ?? PostgresRun(address, path)
    loaded = run
    return run
  }

  func seconds(_ kind: PostgresWork.Kind, _ path: String) throws -> [[PostgresWork: Double]] {
    if let known = timed[kind] { return known }
    let run = try run(path)
    let rounds = try (0..<Self.count).map { _ in
      try Dictionary(uniqueKeysWithValues: kind.works.map { ($0, try run.seconds($0)) })
    }
    timed[kind] = rounds
    return rounds
  }

  func ingest(_ path: String) async throws -> PostgresIngest.Memory {
    if let measured { return measured }
    let memory = try await PostgresIngest.measure(path, in: try run(path))
    measured = memory
    return memory
  }
}
