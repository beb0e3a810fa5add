extension PostgresStore: StreamCheckpoints {
  package func checkpoints(stream: String, group: String) throws -> [StreamCheckpoint] {
    let rows = try pool.withConnection {
      try $0.query(
        """
        SELECT shard, owner, counter, reached FROM stream_checkpoints WHERE stream = $1 AND consumer_group = $2
        ORDER BY shard COLLATE "C"
        """, [.text(stream), .text(group)])
    }
    return try (0..<rows.count).map { row in
      StreamCheckpoint(
        shard: try rows.text(row, 0), owner: rows.optionalText(row, 1), counter: try rows.integer(row, 2),
        position: try rows.text(row, 3))
    }
  }

  /// One statement: who comes second waits for the first one's commit and sees its counter.
  package func write(
    _ checkpoint: StreamCheckpoint, stream: String, group: String, replacing counter: Int64?
  ) throws -> Bool {
    let values: [PostgresValue] = [
      .text(stream), .text(group), .text(checkpoint.shard), .text(checkpoint.owner), .integer(checkpoint.counter),
      .text(checkpoint.position),
    ]
    return try pool.withConnection { connection in
      guard let counter else {
        return try connection.run(
          """
          INSERT INTO stream_checkpoints (stream, consumer_group, shard, owner, counter, reached)
          VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
          """, values) == 1
      }
      return try connection.run(
        """
        UPDATE stream_checkpoints SET owner = $4, counter = $5, reached = $6
        WHERE stream = $1 AND consumer_group = $2 AND shard = $3 AND counter = $7
        """, values + [.integer(counter)]) == 1
    }
  }
}
