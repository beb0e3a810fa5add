import Market
import Operations
import Storage

/// The store in PostgreSQL, beside what the server itself takes for the same rows.
enum PostgresBenchmarks {
  static func all(_ address: String) -> [Benchmark] {
    let rounds = PostgresRounds(address)
    return PostgresWork.Kind.allCases.flatMap { rows($0, rounds) } + [
      Benchmark("postgres.disk_flush_raw") { name, _ in try DiskFlush(.ofFullLength).raw(name) },
      Benchmark("postgres.disk_flush_paced") { name, _ in try DiskFlush(.ofFullLength).paced(name) },
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

  /// Of each work the best time, and how it stands to the server's own in the same round.
  private static func rows(_ kind: PostgresWork.Kind, _ rounds: PostgresRounds) -> [Benchmark] {
    kind.works.flatMap { work in
      [
        Benchmark(work.rawValue) {
          try await time($0, rounds.compare(work, to: kind.bare, $1).map(\.seconds))
        },
        Benchmark(work.rawValue + ".bare") {
          try await time($0, rounds.compare(work, to: kind.bare, $1).map(\.bareSeconds))
        },
        Benchmark(work.rawValue + kind.ratioSuffix) {
          let ratios = try await rounds.compare(work, to: kind.bare, $1).map(kind.ratio).sorted()
          return Measurement(name: $0, unit: "×", n: ratios.count, figures: .value(ratios[ratios.count / 2]))
        },
      ]
    }
  }

  private static func time(_ name: String, _ seconds: [Double]) -> Measurement {
    Measurement(name: name, unit: "s", n: PostgresRun.count, figures: .value(seconds.min() ?? .infinity))
  }
}

/// What is timed.
enum PostgresWork: String {
  /// What `COPY` takes for the same bytes into a table with the same indexes, which is in one piece.
  case copyIn = "postgres.copy_raw"
  /// What it takes into the table itself, whose partitions are made already.
  case copyIntoPartitions = "postgres.copy_partitioned"
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

  enum Kind: CaseIterable {
    case writing, reading

    var bare: PostgresWork {
      switch self {
      case .writing: .copyIn
      case .reading: .copyOut
      }
    }

    var works: [PostgresWork] {
      switch self {
      case .writing:
        [.copyIntoPartitions, .writeEmpty, .writeSame, .writeRevisedTenth, .writeRevisedAll, .writeOtherHalf]
      case .reading: [.read]
      }
    }

    var ratioSuffix: String {
      switch self {
      case .writing: ".speed_of_copy"
      case .reading: ".time_of_copy"
      }
    }

    func ratio(_ round: PostgresRounds.Round) -> Double {
      switch self {
      case .writing: round.bareSeconds / round.seconds
      case .reading: round.seconds / round.bareSeconds
      }
    }
  }
}

/// Times a work and the server's own by turns, in rounds: what disturbs the machine disturbs both of them.
actor PostgresRounds {
  struct Round {
    let seconds: Double
    let bareSeconds: Double
  }

  private static let count = 3

  private let address: String
  private var loaded: PostgresRun?
  private var timed: [PostgresWork: [Round]] = [:]
  private var measured: PostgresIngest.Memory?

  init(_ address: String) { self.address = address }

  func run(_ path: String) throws -> PostgresRun {
    let run = try loaded ?? PostgresRun(address, path)
    loaded = run
    return run
  }

  func compare(_ work: PostgresWork, to bare: PostgresWork, _ path: String) throws -> [Round] {
    if let known = timed[work] { return known }
    let run = try run(path)
    let rounds = try (0..<Self.count).map { _ in
      Round(seconds: try run.seconds(work), bareSeconds: try run.seconds(bare))
    }
    timed[work] = rounds
    return rounds
  }

  func ingest(_ path: String) async throws -> PostgresIngest.Memory {
    if let measured { return measured }
    let memory = try await PostgresIngest.measure(path, in: try run(path))
    measured = memory
    return memory
  }
}
