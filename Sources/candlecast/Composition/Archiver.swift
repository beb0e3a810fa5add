import Archive
import Market
import Operations
import Storage

/// Archives days of series, one after the other.
struct Archiver: Sendable {
  struct Job: Sendable {
    let series: Series
    let days: Range<Int64>
  }

  struct Result: Sendable {
    let series: Series
    var kept: [(day: Int64, result: ArchiveRun.Result)] = []
  }

  let context: CommandContext
  let objects: any ObjectStore
  let dataset: ArchiveDataset

  func run(_ job: Job) async throws -> Result {
    let folder = try WorkFolder()
    let codec = context.configuration.text("archive.codec").flatMap(AvroCodec.init) ?? .deflate
    let run = try await ArchiveRun(
      try source(context.openForReading()), of: job.series, into: objects, codec: codec, folder: folder.path)
    var result = Result(series: job.series)
    var bar = context.progress("archive \(job.series)", unit: "days", total: Int64(job.days.count))
    defer { bar.finish() }
    for day in job.days {
      if context.isStopRequested {
        throw CommandError(
          .failed, "stopped after \(result.kept.count) of \(job.days.count) days; the same command goes on")
      }
      result.kept.append((day, try await run.keep(day: day)))
      bar.update(Int64(result.kept.count))
    }
    return result
  }

  private func source(_ store: any Store) throws -> any ArchiveSource {
    switch dataset {
    case .candles: return CandleSource(store)
    case .predictions: return PredictionSource(store)
    case .trades: return MarketDataSource(store)
    }
  }
}
