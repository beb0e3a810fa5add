import FoundationEssentials
import Testing

/// The habits of the sources that a compiler does not check.
struct TidyTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  private struct Source {
    /// From the root of the package.
    let path: String
    let lines: [Substring]
  }

  private static func files(under folder: String, ending: String) throws -> [Source] {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: root + "/" + folder)
    return try paths.filter { $0.hasSuffix(ending) }.sorted().map { path in
      let text = String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(folder)/\(path)")), as: UTF8.self)
      return Source(path: folder + "/" + path, lines: text.split(separator: "\n", omittingEmptySubsequences: false))
    }
  }

  /// Modules that a source imports, whatever stands before `import`.
  private static func imports(_ source: Source) -> [Substring] {
    source.lines.compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index + 1 < words.count, index <= 2,
        !line.hasPrefix("//")
      else { return nil }
      return words[index + 1]
    }
  }

  @Test func `each C module is imported by one target`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root + "/Sources")
    let modules = Set(folders.filter { $0.hasPrefix("C") && $0.dropFirst().first?.isUppercase == true })
    var importers: [Substring: Set<Substring>] = [:]
    for source in try Self.files(under: "Sources", ending: ".swift") {
      for module in Self.imports(source) where modules.contains(String(module)) {
        importers[module, default: []].insert(source.path.split(separator: "/")[1])
      }
    }
    for module in modules {
      let targets = importers[Substring(module)] ?? []
      #expect(targets.count == 1, "\(module) is imported by \(targets.sorted())")
    }
  }

  @Test func `nothing imports all of Foundation`() throws {
    for folder in ["Sources", "Tests"] {
      for source in try Self.files(under: folder, ending: ".swift") {
        #expect(!Self.imports(source).contains("Foundation"), "\(source.path)")
      }
    }
  }

  @Test func `no forced tries and no marks of unfinished work`() throws {
    for (folder, ending) in [("Sources", ".swift"), ("Tests", ".swift"), ("Scripts", ".sh"), ("Scripts", ".py")] {
      let marks = ["TO" + "DO", "FIX" + "ME"] + (folder == "Sources" ? ["try" + "!"] : [])
      for source in try Self.files(under: folder, ending: ending) {
        for (number, line) in source.lines.enumerated() {
          for mark in marks { #expect(!line.contains(mark), "\(source.path):\(number + 1): \(mark)") }
        }
      }
    }
  }

  /// Clocks are read in the executables and in the few shells that wait for something, and passed in.
  @Test func `libraries read no clock`() throws {
    let pure = [
      "Market", "Settlement", "Features", "Models", "Evaluation", "Pipeline", "Dataset", "Storage", "Ingestion",
      "Venues", "Tape", "VenueSimulator", "Cloud",
    ]
    let shells: Set = [
      "Sources/Ingestion/Live/PipelineClock.swift", "Sources/Ingestion/Writer/Bell.swift",
      "Sources/Ingestion/Writer/WriterCore.swift", "Sources/VenueSimulator/Server/VirtualClock.swift",
    ]
    let clocks = ["Date()", "Date.now", "clock_gettime", "ContinuousClock", "SuspendingClock", "gettimeofday"]
    for source in try Self.files(under: "Sources", ending: ".swift") where !shells.contains(source.path) {
      let target = source.path.split(separator: "/")[1]
      let banned =
        pure.contains(String(target)) ? clocks : target.hasPrefix("candlecast") ? [] : ["Date()", "Date.now"]
      for (number, line) in source.lines.enumerated() {
        for clock in banned { #expect(!line.contains(clock), "\(source.path):\(number + 1) reads a clock: \(clock)") }
      }
    }
  }

  @Test func `links between pages lead somewhere`() throws {
    let pages =
      try Self.files(under: "docs", ending: ".md")
      + ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].flatMap { name in
        try FileManager.default.fileExists(atPath: Self.root + "/" + name) ? Self.page(name) : []
      }
    for page in pages {
      let folder =
        page.path.contains("/") ? page.path.split(separator: "/").dropLast().joined(separator: "/") + "/" : ""
      for link in page.lines.flatMap(Self.links) where !link.contains("://") && !link.hasPrefix("#") {
        let target = link.split(separator: "#")[0]
        #expect(FileManager.default.fileExists(atPath: "\(Self.root)/\(folder)\(target)"), "\(page.path): \(link)")
      }
    }
  }

  private static func page(_ name: String) throws -> [Source] {
    let text = String(decoding: try Data(contentsOf: URL(filePath: root + "/" + name)), as: UTF8.self)
    return [Source(path: name, lines: text.split(separator: "\n", omittingEmptySubsequences: false))]
  }

  /// What stands in the round brackets of `[text](link)` on a line.
  private static func links(_ line: Substring) -> [Substring] {
    line.split(separator: "](").dropFirst().compactMap { $0.split(separator: ")").first }
  }

  @Test func `what the README tells to make can be made`() throws {
    let makefile = try Self.page("Makefile")[0].lines
    let targets = Set(
      makefile.filter { $0.contains(":") && $0.first?.isLetter == true }.map { $0.prefix { $0 != ":" } })
    let words = try Self.page("README.md")[0].lines.joined(separator: " ").split { " `\n".contains($0) }
    for (word, next) in zip(words, words.dropFirst()) where word == "make" && next.first?.isLowercase == true {
      let target = next.prefix { $0.isLetter || $0 == "-" }
      #expect(targets.contains(target), "make \(target)")
    }
  }

  @Test func `every script is named by something`() throws {
    let scripts = try Self.files(under: "Scripts", ending: ".sh")
    let lines = try Self.page("Makefile")[0].lines + scripts.flatMap(\.lines)
    for script in scripts {
      let name = script.path.split(separator: "/").last ?? ""
      #expect(lines.contains { $0.contains(name) && !$0.hasPrefix("#") }, "\(script.path) is used by nothing")
    }
  }

  /// Registries and folders of one machine have no place in what others check out.
  @Test func `no machine's paths and no registry's names`() throws {
    let banned = ["/wo" + "rk/", "/ro" + "ot/", "py" + "pi.org", "python" + "hosted"]
    for (folder, ending) in [
      ("Sources", ".swift"), ("Tests", ".swift"), ("Scripts", ".sh"), ("Scripts", ".py"), ("docs", ".md"),
    ] {
      for source in try Self.files(under: folder, ending: ending) {
        for (number, line) in source.lines.enumerated() {
          for word in banned { #expect(!line.contains(word), "\(source.path):\(number + 1): \(word)") }
        }
      }
    }
  }
}
