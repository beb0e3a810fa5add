import Operations
import Synchronization

/// The copy of a models directory in a bucket, kept up to date while a process runs.
final class BucketModels: Sendable {
  private struct State {
    /// Of the list of versions that the copy has.
    var tags: ModelsMirror.Tags
    var isFailing = false
  }

  private let mirror: ModelsMirror
  private let log: Log
  private let state: Mutex<State>

  /// `nil` where the models are a folder already.
  init?(_ context: CommandContext) {
    guard let copy = context.modelsMirror, let mirror = try? context.modelsInBucket() else { return nil }
    (self.mirror, log) = (mirror, context.log)
    state = Mutex(State(tags: copy.tags))
  }

  /// Fetches what is new if the list of versions there has changed. What cannot be fetched is said once, and the copy
  /// stays as it is.
  func look() async {
    do {
      let known = state.withLock(\.tags)
      let tags = try await mirror.tags() == known ? known : mirror.refresh().tags
      let wasFailing = state.withLock { state in
        defer { state = State(tags: tags) }
        return state.isFailing
      }
      if wasFailing { log.write(.info, "models", "the models in the bucket can be read again") }
    } catch {
      guard !Task.isCancelled else { return }
      let isNew = state.withLock { state in
        defer { state.isFailing = true }
        return !state.isFailing
      }
      if isNew { log.write(.warning, "models", "the models are those of before: \(error)") }
    }
  }
}
