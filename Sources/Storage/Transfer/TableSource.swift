/// Tables to be read: a store at one moment, or a backup.
package protocol TableSource: AnyObject {
  /// Names it in messages; without any secret.
  var name: String { get }

  /// By name.
  func tables() throws -> [StoredTable]

  func rows(of table: StoredTable) throws -> Int

  /// Calls `body` with batches whose columns are those of `table`, in their order.
  func read(_ table: StoredTable, _ body: (TableBatch) throws -> Void) throws
}

/// A store at one moment: what is written meanwhile is not seen. It holds a connection of its own and may be read by
/// another thread than the store is.
package protocol StoreSnapshot: TableSource, Sendable {
  func facts() throws -> StoreFacts

  /// What a query in standard SQL gives, as texts.
  func cells(_ sql: String) throws -> [[String?]]
}

/// An empty store while it is being filled, in one transaction.
package protocol TableFiller: TableSource {
  /// - Parameter columns: of the table, in the order in which batches have them; the others stay empty.
  func sink(into table: String, _ columns: [StoredColumn]) throws -> any TableSink

  /// After the last row: numbers that the database gives out go on after those that came.
  func settle(_ table: StoredTable) throws
}

package protocol TableSink: AnyObject {
  func append(_ batch: TableBatch) throws

  /// Nothing counts as added before this has returned.
  func finish() throws
}

/// A store whose tables can be carried to another one.
package protocol Transferable: AnyObject {
  func snapshot() throws -> any StoreSnapshot

  /// Everything that `body` puts in, or nothing of it.
  func fill<Value>(_ body: (any TableFiller) throws -> Value) throws -> Value
}

/// What `db status` says beside the rows.
package struct StoreFacts: Hashable, Sendable {
  package struct Fact: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// The database and its version.
  package var engine: String
  package var schemaVersion: Int
  package var newestSchemaVersion: Int
  /// On disk, everything that belongs to it.
  package var bytes: Int
  package var others: [Fact]

  package init(engine: String, schemaVersion: Int, newestSchemaVersion: Int, bytes: Int, others: [Fact] = []) {
    (self.engine, self.schemaVersion, self.newestSchemaVersion) = (engine, schemaVersion, newestSchemaVersion)
    (self.bytes, self.others) = (bytes, others)
  }
}
