import FoundationEssentials
import Glibc
import Market
import Operations
import Platform
import Storage
import Transport

/// One thing that was looked at.
struct Finding: Hashable, Sendable {
  enum State: Sendable { case fine, warning, missing }

  let subject: String
  let state: State
  let fact: String
  /// What to do about it.
  let remedy: String?

  init(_ subject: String, _ state: State, _ fact: String, remedy: String? = nil) {
    (self.subject, self.state, self.fact, self.remedy) = (subject, state, fact, remedy)
  }
}

/// Looks at this machine for `doctor`.
enum Diagnosis {
  static func all(_ context: CommandContext) -> [Finding] {
    [
      processor(), duckdb(context.installation), xgboost(context.installation), torch(context.installation),
      trainer(context.installation), network(), store(context), disk(nearestFolder(to: context.stateFolder + "/store")),
      tape(context.configuration), logs(context.logFolder),
    ] + outside(context) + redis(context) + kinesis(context) + ports(context.configuration) + [
      clock(), configuration(context.configuration),
    ]
  }

  /// No venue is asked: whether one is reached tells `run`.
  static func network() -> Finding {
    Finding("network", .fine, "\(NetworkLibraries.curl), \(NetworkLibraries.tls)")
  }

  static func ports(_ configuration: Configuration) -> [Finding] {
    let host = configuration.text("server.host") ?? "127.0.0.1"
    return ["server.feeder_port", "server.gap_handler_port"].map { knob in
      let port = configuration.integer(knob) ?? 0
      do throws(TransportError) {
        try ListenAddress.check(host, port)
        return Finding("port", .fine, "\(host):\(port) is free for \(knob)")
      } catch {
        let remedy = "if that is not a running `candlecast run`, set \(knob); 0 picks a free one"
        return Finding("port", .warning, "\(error)", remedy: remedy)
      }
    }
  }

  static func tape(_ configuration: Configuration) -> Finding {
    guard configuration.boolean("tape.enabled") ?? true else {
      return Finding("tape", .warning, "tape.enabled is false: what a live feed receives is not kept")
    }
    let folder = configuration.text("tape.directory") ?? ""
    let place = nearestFolder(to: folder + "/segment")
    guard access(place + "/", W_OK) == 0 else {
      return Finding("tape", .missing, "\(place) is no folder that can be written", remedy: "set tape.directory")
    }
    return Finding("tape", .fine, "\(folder), up to \(configuration.text("tape.max_megabytes") ?? "") MB")
  }

  static func processor() -> Finding {
    guard let missing = Processor.missingInstructions else { return Finding("processor", .fine, "has AVX2 and FMA") }
    return Finding("processor", .missing, "has no \(missing)", remedy: "run Candlecast on a newer one (x86-64-v3)")
  }

  static func duckdb(_ installation: Installation) -> Finding {
    if let library = dlopen("libduckdb.so", RTLD_LAZY | RTLD_LOCAL) {
      dlclose(library)
      return Finding("DuckDB", .fine, "the system's libduckdb.so")
    }
    return library("DuckDB", [installation.duckdb, installation.pythonStub])
  }

  static func xgboost(_ installation: Installation) -> Finding { library("XGBoost", [installation.xgboost]) }

  static func torch(_ installation: Installation) -> Finding {
    let names = [
      "libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libgfortran.so.5", "libcupti.so.13", "libcudart.so.13",
    ]
    return library("libtorch", names.map { installation.torchFolder + "/" + $0 })
  }

  private static func library(_ subject: String, _ paths: [String]) -> Finding {
    if let absent = paths.first(where: { size(of: $0) == nil }) {
      return Finding(subject, .missing, "\(absent) is not there", remedy: "run `make setup`")
    }
    return Finding(subject, .fine, paths[0])
  }

  static func trainer(_ installation: Installation) -> Finding {
    guard access(installation.trainer, X_OK) == 0 else {
      return Finding("trainer", .missing, "\(installation.trainer) is not there", remedy: "run `make build`")
    }
    return Finding("trainer", .fine, installation.trainer)
  }

  static func store(_ context: CommandContext) -> Finding {
    switch context.store {
    case .duckDB(let path): storeFile(path: path)
    case .postgres: database(context)
    }
  }

  /// A server is asked, nothing is changed there.
  private static func database(_ context: CommandContext) -> Finding {
    do {
      guard let found = try context.store.schemaVersion() else {
        return Finding("store", .fine, "\(context.store) has no tables yet; the first import makes them")
      }
      let newest = PostgresSchema.steps.count
      guard found == newest else {
        return Finding(
          "store", .warning, "\(context.store) has schema \(found) of \(newest)", remedy: "`candlecast db migrate`")
      }
      let store = try context.openForReading()
      let engine = try store.snapshot().facts().engine
      let partitioning = try (store as? PostgresStore)?.partitioning()
      let facts = ["\(context.store)", engine, "schema \(found)"] + [partitioning.map { "\($0)" }].compactMap(\.self)
      return Finding("store", .fine, facts.joined(separator: ", "))
    } catch {
      return Finding("store", .missing, "\(error)")
    }
  }

  /// How tools on the host reach the database of a deployment that shows it there.
  static func outside(_ context: CommandContext) -> [Finding] {
    guard let port = context.configuration.integer("database.external_port") else { return [] }
    guard case .postgres(let location) = context.store else {
      return [
        Finding(
          "outside", .warning, "database.external_port is \(port), and \(context.store) is a file, which has no port",
          remedy: "choose a server with --store postgres: or leave the port out")
      ]
    }
    return [Finding("outside", .fine, "from the host: psql \(location.onHost(port: port))")]
  }

  private static func storeFile(path: String) -> Finding {
    guard let bytes = size(of: path) else {
      let folder = nearestFolder(to: path)
      guard access(folder, W_OK) == 0 else {
        return Finding(
          "store", .missing, "\(path) is not there and \(folder) cannot be written",
          remedy: "choose another place with --store duckdb:PATH")
      }
      return Finding("store", .fine, "\(path) is not there yet; the first import makes it")
    }
    guard access(path, R_OK | W_OK) == 0 else {
      return Finding("store", .missing, "\(path) may not be read and written", remedy: "change its owner or its mode")
    }
    return Finding("store", .fine, "\(path), \((bytes / 1_000_000).grouped) MB")
  }

  static func disk(_ folder: String) -> Finding {
    var facts = statvfs()
    guard statvfs(folder, &facts) == 0 else { return Finding("disk", .warning, "\(folder): free space is not known") }
    let free = Int64(facts.f_bavail) * Int64(facts.f_frsize)
    let text = "\((free / 1_000_000).grouped) MB free in \(folder)"
    if free < 500_000_000 { return Finding("disk", .missing, text, remedy: "free at least 500 MB") }
    if free < 2_000_000_000 { return Finding("disk", .warning, text, remedy: "training wants 2 GB") }
    return Finding("disk", .fine, text)
  }

  static func logs(_ folder: String) -> Finding {
    let place = nearestFolder(to: folder + "/log")
    guard access(place, W_OK) == 0 else {
      return Finding("logs", .warning, "\(place) cannot be written", remedy: "set log.directory")
    }
    return Finding("logs", .fine, folder)
  }

  /// Files and rows are stamped with it, so that one of another age must be noticed.
  static func clock() -> Finding {
    let now = SystemClock.now()
    guard (CivilDate(day: now.day).year) >= 2024 else {
      return Finding("clock", .missing, "says \(now)", remedy: "set it: rows are stored with the time they came")
    }
    return Finding("clock", .fine, "\(now)")
  }

  static func configuration(_ configuration: Configuration) -> Finding {
    let notices = configuration.notices
    guard let first = notices.first else { return Finding("configuration", .fine, "every knob that is set is used") }
    return Finding(
      "configuration", .warning, first + (notices.count > 1 ? ", and \(notices.count - 1) more" : ""),
      remedy: "`candlecast config` says what each does")
  }

  /// `nil` for what is no file or empty.
  private static func size(of path: String) -> Int64? {
    var facts = stat()
    guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0 else { return nil }
    return Int64(facts.st_size)
  }

  /// The folder that a file is or would be in, as far up as one exists.
  static func nearestFolder(to path: String) -> String {
    var rest = path[...]
    while let slash = rest.lastIndex(of: "/") {
      rest = rest[..<slash]
      if rest.isEmpty { return "/" }
      if FileManager.default.fileExists(atPath: String(rest)) { return String(rest) }
    }
    return "."
  }
}
