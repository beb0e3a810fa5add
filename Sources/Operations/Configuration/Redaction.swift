extension String {
  /// An address without the password that may stand in it; any other text as it is.
  ///
  /// Rather too much is hidden than too little: an address need not be right to have a password in it.
  package var withoutPasswords: String {
    guard let start = firstRange(of: "://")?.upperBound else { return self }
    let scheme = self[..<start]
    var rest = self[start...]
    var shown = String(scheme)
    if let at = rest.lastIndex(of: "@") {
      let login = rest[..<at]
      shown += login.firstIndex(of: ":").map { login[..<$0] + ":***" } ?? login
      rest = rest[at...]
    }
    return shown + Self.withoutPasswords(query: rest)
  }

  private static func withoutPasswords(query text: Substring) -> String {
    guard let mark = text.firstIndex(of: "?") else { return String(text) }
    let settings = text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
    let shown = settings.map { setting in
      guard let equals = setting.firstIndex(of: "="), setting[..<equals].lowercased().contains("password") else {
        return String(setting)
      }
      return setting[...equals] + "***"
    }
    return text[...mark] + shown.joined(separator: "&")
  }
}
