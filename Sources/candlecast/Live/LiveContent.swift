import Ingestion
import Market
import Models
import Operations
import Pipeline
import Platform
import Serving
import Storage

/// What a live feed's server tells of store, models and predictions.
struct LiveContent {
  private let context: CommandContext
  private let status: LiveStatus
  private let view: MarketView
  private let charts: [UInt8]?
  private let latest: LatestPredictions

  /// - Parameter charts: the page's chart library, where it is installed.
  init(
    _ context: CommandContext, _ status: LiveStatus, view: MarketView, charts: [UInt8]?,
    latest: LatestPredictions = LatestPredictions(ServingRules())
  ) {
    (self.context, self.status, self.view, self.charts) = (context, status, view, charts)
    self.latest = latest
  }

  func routes(from store: LateStore?) throws -> LiveServer.Content {
    let models = modelRoutes
    var data = store.map { Route.data(of: view, from: $0, status.intervals) } ?? []
    let isAtHand = context.configuration.boolean("inference.prediction_cache") ?? true
    data.append(latest.route(of: view, from: isAtHand ? nil : store) { [status] in status.now ?? .distantPast })
    if let store {
      data.append(explain(from: store))
      if let served = status.models {
        data.append(
          .features(of: served, status.features, from: store) { [status] in status.now ?? .distantPast })
      }
    }
    return LiveServer.Content(data: data + models + promotions, page: Page.routes(charts: charts), models: models)
  }

  private var modelRoutes: [Route] {
    guard let served = status.models else { return [] }
    let ready: @Sendable () throws(APIFailure) -> Void = { [status] () throws(APIFailure) in try status.checkReady() }
    return [.predict(served), .models(of: context.registry, venue: view.price.venue)]
      + Route.openInference(served, version: Help.version, ready: ready)
  }

  private var promotions: [Route] {
    guard status.models != nil else { return [] }
    let desk = RegistryDesk(context: context)
    return Route.promotions(of: view, preset: context.target) { try await desk.make($0) }
  }

  private func explain(from late: LateStore) -> Route {
    let mostAtOnce = context.configuration.integer("inference.max_concurrent_predictions") ?? 10
    return .explain(mostAtOnce: mostAtOnce) { [context, view] id throws(APIFailure) in
      do {
        // All that is stored is folded from its beginning.
        let explained: @Sendable (any Store) throws -> JSONValue? = { store in
          try Self.explanation(of: id, view, store, context)
        }
        if let found = try await late.withReader(explained) { return found }
        // Clients are told of a prediction before it is stored.
        try await late.flush()
        return try await late.withReader(explained)
      } catch let failure as APIFailure {
        throw failure
      } catch {
        throw .unavailable("the store cannot be read now; the log says why")
      }
    }
  }

  private static func explanation(
    of id: PredictionID, _ view: MarketView, _ store: any Store, _ context: CommandContext
  ) throws -> JSONValue? {
    let span = id.time..<id.time.adding(microseconds: 1)
    var filter = PredictionFilter(range: span, view: view, target: id.target, model: id.model)
    (filter.version, filter.mode) = (id.version, id.mode)
    guard let stored = try store.predictions(filter).first else { return nil }
    if id.target.isOfTicks { return try explanationOfTicks(id, store, context) }
    var run = HistoryRun(view: view, mode: .predict)
    run.serve(id.target, with: try version(of: stored, context))
    var explanation: Explanation?
    try run.run(span, from: store) { pipeline, predictions in
      guard !predictions.isEmpty else { return }
      explanation = Explanation(pipeline, predictions, target: id.target)
    }
    guard let explanation else { return nil }
    return explanation.json(try StoredComparison(explanation.predictions, store))
  }

  /// Trades and quotes are on the tape alone.
  private static func explanationOfTicks(
    _ id: PredictionID, _ store: any Store, _ context: CommandContext
  ) throws -> JSONValue {
    let found: TickExplanation?
    do {
      found = try TickExplanation.of(id.target, at: id.time, from: store, context)
    } catch {
      context.log.write(.warning, "explain", "the tape does not tell of \(id.time): \(error)")
      found = nil
    }
    guard let found else {
      throw APIFailure(
        409, "not_on_tape",
        "what is predicted between candles is made of trades and quotes, and the tape of \(id.time) is "
          + "gone or not yet written")
    }
    return found.json(try StoredComparison(found.predictions, store))
  }

  /// As it served then.
  private static func version(of stored: Prediction, _ context: CommandContext) throws -> ServedVersion? {
    guard !stored.version.isEmpty else { return nil }
    let standing: ServedVersion.Standing = stored.reason.isEmpty ? .production : .unpromoted(reason: stored.reason)
    do {
      return try context.version(stored.version, stored.view, stored.target, standing: standing)
    } catch {
      throw APIFailure(409, "version_gone", "version \(stored.version), which made it, cannot be loaded any more")
    }
  }
}
