package import Market

/// A row of `systemLogs`.
package struct SystemLogRow: Hashable, Sendable {
  package var time: Timestamp
  package var category: String
  package var subcategory: String?
  /// `debug`, `info`, `warning` or `error`.
  package var level: String
  package var message: String
  /// Facts as one object of JSON.
  package var context: String?
  package var symbol: String?

  package init(
    time: Timestamp, category: String, subcategory: String? = nil, level: String, message: String,
    context: String? = nil, symbol: String? = nil
  ) {
    (self.time, self.category, self.subcategory, self.level) = (time, category, subcategory, level)
    (self.message, self.context, self.symbol) = (message, context, symbol)
  }
}
