extension DuckDBStore: StreamCheckpoints {
  package func checkpoints(stream: String, group: String) throws -> [StreamCheckpoint] {
    var rows: [StreamCheckpoint] = []
    try statements.query(
      """
      SELECT shard, owner, counter, reached FROM stream_checkpoints WHERE stream = ? AND consumer_group = ?
      ORDER BY shard
      """, [.text(stream), .text(group)]
    ).forEachRow { chunk, row throws(StoreError) in
      rows.append(
        StreamCheckpoint(
          shard: chunk.column(0).text(row), owner: chunk.column(1).optionalText(row),
          counter: chunk.column(2).value(row), position: chunk.column(3).text(row)))
    }
    return rows
  }

  /// One statement, and one process that has the file.
  package func write(
    _ checkpoint: StreamCheckpoint, stream: String, group: String, replacing counter: Int64?
  ) throws -> Bool {
    let key: [SQLValue] = [.text(stream), .text(group), .text(checkpoint.shard)]
    let values: [SQLValue] = [
      .optionalText(checkpoint.owner), .integer(checkpoint.counter), .text(checkpoint.position),
    ]
    guard let counter else {
      return try statements.run(
        """
        INSERT INTO stream_checkpoints SELECT ?, ?, ?, ?, ?, ?
        WHERE NOT EXISTS (FROM stream_checkpoints WHERE stream = ? AND consumer_group = ? AND shard = ?)
        """, key + values + key) == 1
    }
    return try statements.run(
      """
      UPDATE stream_checkpoints SET owner = ?, counter = ?, reached = ?
      WHERE stream = ? AND consumer_group = ? AND shard = ? AND counter = ?
      """, values + key + [.integer(counter)]) == 1
  }
}
