import Archive
import FoundationEssentials
import Ingestion
import Market
import Operations
import Storage

/// Takes archives, folders of them and single Avro files into the store.
struct ArchiveReading: Sendable {
  struct Result: Sendable {
    var reports: [ArchiveReport] = []
    /// Files that a newer revision takes the place of.
    var older = 0
    var failures: [Failure] = []
    var pinned: [ImportPins.Imported] = []
  }

  struct Failure: Sendable {
    let file: String
    let reason: String
    let exitCode: ExitCode
  }

  private struct Stopped: ExitCoded, CustomStringConvertible {
    let file: String
    var exitCode: ExitCode { .failed }
    var description: String { "stopped at \(file); the same command goes on" }
  }

  let context: CommandContext
  let policy: BadRowPolicy
  /// `nil` leaves everything to the cleanup.
  let pins: ImportPins?

  /// It is read here and not by the importer of candle files.
  static func takes(_ path: String) -> Bool {
    var isFolder: Bool { (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil }
    return path.hasPrefix("s3://") || path.hasPrefix("file:") || path.hasSuffix(ArchiveKey.ending) || isFolder
  }

  func run(_ paths: [String]) async throws -> Result {
    let store = try context.openForWriting()
    var result = Result()
    do {
      for path in paths {
        let (objects, listing) = try await listing(path)
        result.older += listing.older
        try await take(listing.files, of: objects, into: store, &result)
      }
    } catch {
      // What was taken in before stays, and is kept like the rest.
      try pin(&result, in: store)
      throw error
    }
    try pin(&result, in: store)
    return result
  }

  private func pin(_ result: inout Result, in store: any Store) throws {
    let imported = result.reports.compactMap { report in
      report.range.map { ImportPins.Imported(series: report.series, range: $0) }
    }
    result.pinned = try pins?.pin(imported, in: store) ?? []
  }

  private func listing(_ path: String) async throws -> (any ObjectStore, ArchiveListing) {
    guard let location = ObjectLocation(path) else {
      throw CommandError(.wrongUsage, "\(path): give s3://bucket/prefix, a folder or a file")
    }
    guard path.hasSuffix(ArchiveKey.ending) else {
      let objects = try context.objects(location)
      return (objects, try await ArchiveListing(objects))
    }
    let whole = location.description
    let slash = whole.lastIndex(of: "/")
    let parent = slash.map { String(whole[..<$0]) } ?? "."
    guard let place = ObjectLocation(parent.isEmpty ? "/" : parent) else {
      throw CommandError(.wrongUsage, "\(path): a file stands in a bucket: s3://bucket/name.avro")
    }
    let objects = try context.objects(place)
    let name = slash.map { String(whole[whole.index(after: $0)...]) } ?? whole
    return (objects, try await ArchiveListing(objects, only: name))
  }

  private func take(
    _ files: [ArchiveListing.File], of objects: any ObjectStore, into store: any Store, _ result: inout Result
  ) async throws {
    let folder = try WorkFolder()
    var bar = context.progress("import \(objects.url)", unit: "files", total: Int64(files.count))
    defer { bar.finish() }
    for (index, file) in files.enumerated() {
      do {
        let copy = try await LocalCopy.of(file.key, in: objects, folder: folder.path, isChecked: file.isChecked)
        result.reports.append(try take(copy, objects.name(file.key), into: store))
      } catch let error as Stopped {
        throw error
      } catch {
        guard files.count > 1 else { throw error }
        result.failures.append(
          Failure(file: objects.name(file.key), reason: "\(error)", exitCode: Program.exitCode(of: error)))
        context.log.write(.error, "import", "\(error)")
      }
      bar.update(Int64(index + 1))
    }
  }

  private func take(_ copy: LocalCopy, _ name: String, into store: any Store) throws -> ArchiveReport {
    let importer = ArchiveImport(
      series: context.series, knownAt: context.now(), skipsBadRows: policy == .skip,
      availabilityDelayMicroseconds: CandleImport.defaultDelayMicroseconds)
    return try importer.run(copy.path, name: name, into: store) { _ in
      if context.isStopRequested { throw Stopped(file: name) }
    }
  }
}

extension ArchiveReading.Result {
  /// One line for each series and kind of rows.
  var text: String {
    var lines: [String] = []
    for (dataset, series) in kinds {
      let reports = reports.filter { $0.dataset == dataset && $0.series == series }
      func sum(_ count: (ArchiveReport) -> Int) -> String { reports.reduce(0) { $0 + count($1) }.grouped }
      let skipped = reports.contains { $0.skipped > 0 } ? ", \(sum(\.skipped)) skipped" : ""
      lines.append(
        "\(series): \(dataset.rawValue) of \(reports.count.grouped) files: \(sum(\.rows)) rows read, "
          + "\(sum(\.counts.new)) new, \(sum(\.counts.unchanged)) unchanged, \(sum(\.counts.revised)) revised\(skipped)"
      )
    }
    lines += reports.flatMap(\.badRows).prefix(100).map { "  skipped \($0)" }
    if older > 0 { lines.append("\(older.grouped) files have a newer revision and were passed over") }
    if !failures.isEmpty { lines.append("\(failures.count.grouped) files were refused; the messages above say why") }
    return lines.joined(separator: "\n")
  }

  var json: JSONValue {
    [
      "files": .array(
        reports.map { report in
          [
            "file": .text(report.file), "dataset": .text(report.dataset.rawValue),
            "series": .text(report.series.description), "rows": JSONValue(report.rows),
            "new": JSONValue(report.counts.new), "unchanged": JSONValue(report.counts.unchanged),
            "revised": JSONValue(report.counts.revised), "skipped": JSONValue(report.skipped),
            "bad_rows": .array(report.badRows.map { .text($0) }),
          ]
        }),
      "older_revisions": JSONValue(older),
      "pinned": .array(pinned.map(\.json)),
      "refused": .array(failures.map { ["file": .text($0.file), "reason": .text($0.reason)] }),
    ]
  }

  private var kinds: [(ArchiveDataset, Series)] {
    var kinds: [(ArchiveDataset, Series)] = []
    for report in reports where !kinds.contains(where: { $0 == (report.dataset, report.series) }) {
      kinds.append((report.dataset, report.series))
    }
    return kinds
  }
}
