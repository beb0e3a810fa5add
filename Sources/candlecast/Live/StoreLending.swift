import Ingestion
import Operations
import Platform
import Storage

/// Lets other verbs read an embedded store while a feed has it: each gets a copy made between two commits.
struct StoreLending: Sendable {
  /// Commits wait for so long at most; what arrives meanwhile waits in their queue.
  private static let longestCopyMilliseconds: Int32 = 10_000

  let path: String
  let writer: LiveWriter
  let log: Log

  /// Until its task is cancelled.
  func run() async {
    let lender: StoreLender
    do { lender = try StoreLender(path: path) } catch { return log.write(.warning, "store", "\(error)") }
    await withTaskCancellationHandler {
      while let borrower = try? await DedicatedThread.run({ lender.next() }) {
        await lend(to: borrower)
      }
    } onCancel: {
      lender.stop()
    }
  }

  private func lend(to borrower: StoreLender.Borrower) async {
    let limit = Self.longestCopyMilliseconds
    let isCopied = try? await writer.withStore { _ in borrower.copies(withinMilliseconds: limit) }
    if isCopied == false { log.write(.warning, "store", "another program asked for a copy and did not make it") }
  }
}

extension StoreLending {
  /// `nil` where many programs read the store anyway.
  init?(_ context: CommandContext, _ writer: LiveWriter) {
    guard case .duckDB(let path) = context.store else { return nil }
    self.init(path: path, writer: writer, log: context.log)
  }
}
