import Market
import Storage
import Testing

/// A query as one of the united systems' documents prints it.
struct SeedQuery: Sendable {
  /// Which document (A to E, in the order of `docs/tables.md`) and the line it begins at.
  let place: String
  let sql: String
  /// Judges the rows, each a list of texts in column order, empty where null.
  let check: @Sendable ([[String]], Filling) -> Void

  static let all = chainlinkStack + tradingStack

  private static let chainlinkStack = [
    SeedQuery(place: "A 119", sql: "SELECT version();") { rows, _ in
      #expect(rows.count == 1)
      #expect(!rows[0][0].isEmpty)
    },
    SeedQuery(place: "A 257", sql: "EXPLAIN ANALYZE SELECT * FROM technical_indicators ORDER BY time DESC LIMIT 60;") {
      rows, _ in
      #expect(!rows.isEmpty)
    },
    SeedQuery(place: "A 272", sql: "SELECT COUNT(*) FROM ohlcv_raw WHERE time > NOW() - INTERVAL '1 hour';") {
      rows, filling in
      #expect(filling.counts(candlesOfMinutes: 60, of: 1).contains(rows[0][0]))
    },
    SeedQuery(
      place: "A 321",
      sql: """
        -- Get last hour predictions
        SELECT time, direction, confidence, model_name 
        FROM predictions 
        WHERE time > NOW() - INTERVAL '1 hour'
        ORDER BY time DESC;
        """
    ) { rows, filling in
      #expect(rows.count >= (59 - filling.age) * filling.answersADecision)
      #expect(rows[0][0].hasPrefix("\(filling.now)".prefix(10)))
      #expect(
        Set(rows.map { $0[1] }) == Set(filling.predictions.suffix(rows.count).map { $0.direction?.rawValue ?? "" }))
      #expect(rows.map { $0[0] } == rows.map { $0[0] }.sorted().reversed())
      #expect(rows.allSatisfy { row in Double(row[2]).map { (0.5...1).contains($0) } ?? false })
      #expect(Set(rows.map { $0[3] }) == Set(filling.predictions.suffix(rows.count).map(\.modelName.rawValue)))
    },
    SeedQuery(
      place: "A 327",
      sql: """
        -- Check prediction accuracy
        SELECT 
            direction,
            COUNT(*) as count,
            AVG(confidence) as avg_confidence
        FROM predictions 
        WHERE time > NOW() - INTERVAL '24 hours'
        GROUP BY direction;
        """
    ) { rows, filling in
      let total = rows.compactMap { Int($0[1]) }.reduce(0, +)
      #expect(total == filling.predictions.count)
      for row in rows {
        let same = filling.predictions.filter { ($0.direction?.rawValue ?? "") == row[0] }
        #expect(Int(row[1]) == same.count)
        let confidences = same.compactMap(\.confidence)
        guard !confidences.isEmpty else { continue }
        let mean = confidences.reduce(0, +) / Double(confidences.count)
        #expect(abs((Double(row[2]) ?? .nan) - mean) < 1e-9)
      }
    },
    SeedQuery(
      place: "A 336",
      sql: """
        -- Model performance metrics
        SELECT * FROM training_metadata 
        ORDER BY trained_at DESC 
        LIMIT 5;
        """
    ) { rows, filling in
      #expect(rows.count == 5)
      #expect(rows.allSatisfy { $0.contains(filling.version) })
    },
  ]

  private static let tradingStack = [
    SeedQuery(place: "B 136", sql: "SELECT COUNT(*) FROM candles_1m;") { rows, filling in
      #expect(rows == [["\(filling.candles.count)"]])
    },
    SeedQuery(place: "B 137", sql: "SELECT time, close FROM candles_1m ORDER BY time DESC LIMIT 5;") { rows, filling in
      #expect(rows.map { $0[1] } == filling.candles.suffix(5).reversed().map(\.close.padded))
    },
    SeedQuery(place: "B 140", sql: "SELECT COUNT(*) FROM feature_cache;") { rows, filling in
      #expect(rows == [["\(filling.features.count)"]])
      #expect(filling.features.count > 0)
    },
    SeedQuery(place: "B 143", sql: "SELECT event_type, COUNT(*) FROM data_quality_logs GROUP BY event_type;") {
      rows, _ in
      #expect(Set(rows) == [["gap", "2"], ["stale", "1"]])
    },
    SeedQuery(place: "B 321", sql: "SELECT COUNT(*) FROM candles_1m;") { rows, filling in
      #expect(rows == [["\(filling.candles.count)"]])
    },
    SeedQuery(place: "B 334", sql: "SELECT * FROM data_quality_logs ORDER BY created_at DESC LIMIT 10;") { rows, _ in
      #expect(rows.count == 3)
      #expect(rows.map { $0[0] } == ["gap", "stale", "gap"])
    },
    SeedQuery(
      place: "B 343",
      sql: """
        -- Candles ingestion rate
        SELECT 
          DATE_TRUNC('minute', time) as minute,
          COUNT(*) as candles_per_minute
        FROM candles_1m
        WHERE time > NOW() - INTERVAL '1 hour'
        GROUP BY DATE_TRUNC('minute', time)
        ORDER BY minute DESC;
        """
    ) { rows, filling in
      #expect(filling.counts(candlesOfMinutes: 60, of: 1).contains("\(rows.count)"))
      #expect(rows.allSatisfy { $0[1] == "1" })
    },
    SeedQuery(
      place: "B 352",
      sql: """
        -- Gap detection
        SELECT 
          event_type,
          COUNT(*) as count,
          SUM(COALESCE(candles_missing, 0)) as total_missing
        FROM data_quality_logs
        WHERE created_at > NOW() - INTERVAL '24 hours'
        GROUP BY event_type;
        """
    ) { rows, _ in
      #expect(Set(rows) == [["gap", "1", "3"], ["stale", "1", "0"]])
    },
    // The driver puts the time there, quoted, as its own documentation says.
    SeedQuery(
      place: "B 440",
      sql: """
            SELECT features_json FROM feature_cache
            WHERE time = %s
        """
    ) { rows, filling in
      #expect(rows == [[filling.features.last?.json ?? ""]])
      #expect(rows[0][0].contains("\"raw\":{\"atr_14\":"))
      #expect(rows[0][0].contains("\"scaled\":{"))
      #expect(rows[0][0].hasSuffix("\"version\":\"\(filling.version)\"}"))
    },
  ]

  /// As it is sent.
  func text(_ filling: Filling) -> String {
    sql.replacing("%s", with: "'\(filling.now.description.replacing("Z", with: "+00:00"))'::timestamptz")
  }

  /// Without the semicolon, as a part of another statement; `nil` for what can be no part.
  func inner(_ filling: Filling) -> String? {
    guard !sql.hasPrefix("EXPLAIN") else { return nil }
    let text = text(filling)
    return text.hasSuffix(";") ? String(text.dropLast()) : text
  }
}
