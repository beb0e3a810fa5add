/// What PostgreSQL says, told by its code; what libpq says before there is a connection, told by its text.
extension StoreError {
  init(postgres path: String, code: String, message: String) {
    let reason = Self.sentence(of: message)
    switch code {
    case "53100": self = .diskFull(path: path, reason: reason)
    case "42501":
      self = .refused(
        path: path,
        reason: "\(reason); the owner of the database can grant it (for tables: GRANT ALL ON SCHEMA public TO the user)"
      )
    case "25006":
      self = .refused(path: path, reason: "\(reason); give the address of the server that may be written to")
    case "55P03", "40001", "40P01", "23505": self = .locked(path: path, holder: "another writer (\(reason))")
    case "57014": self = .failed(path: path, reason: "\(reason); nothing was kept of it")
    case "XX001", "XX002": self = .corrupt(path: path, reason: reason)
    case "57P01", "57P02", "57P03", "57P05", "53200", "53300":
      self = .unavailable(path: path, reason: reason)
    case let other where other.hasPrefix("08"): self = .unavailable(path: path, reason: reason)
    case let other: self = .failed(path: path, reason: other.isEmpty ? reason : "\(reason) (\(other))")
    }
  }

  init(connecting path: String, message: String) {
    let reason = Self.sentence(of: message)
    func says(_ texts: String...) -> Bool { texts.contains { message.contains($0) } }
    if says("password authentication failed") {
      self = .refused(path: path, reason: "\(reason); check the user and the password in the address")
    } else if says("no password supplied") {
      self = .refused(path: path, reason: "\(reason); put it into the address, PGPASSWORD or ~/.pgpass")
    } else if says("database \"") && says("does not exist") {
      self = .refused(path: path, reason: "\(reason); make it with `createdb` or give the name of another one")
    } else if says("role \"") && says("does not exist") {
      self = .refused(path: path, reason: "\(reason); make it with `createuser` or give the name of another one")
    } else if says("no pg_hba.conf entry") {
      self = .refused(path: path, reason: "\(reason); the server's pg_hba.conf must let this host and user in")
    } else if let remedy = Self.encryptionRemedy(message) {
      self = .refused(path: path, reason: "\(reason); \(remedy)")
    } else if says("permission denied for database", "authentication failed", "is not permitted to log in") {
      self = .refused(path: path, reason: reason)
    } else if says("invalid sslmode", "invalid connection option", "invalid port number", "invalid integer value") {
      self = .cannotOpen(path: path, reason: reason)
    } else {
      self = .unavailable(path: path, reason: reason)
    }
  }

  /// What to do where the connection was to be encrypted, or to a server that proves its name.
  private static func encryptionRemedy(_ message: String) -> String? {
    func says(_ texts: String...) -> Bool { texts.contains { message.contains($0) } }
    if says("server does not support SSL") {
      return "give it a certificate and ssl = on, or let sslmode of the address allow plain connections"
    }
    if says("does not match host name") {
      return "give the host by the name that its certificate has, or give the server a certificate for this name"
    }
    if says("root certificate file") {
      return "sslrootcert of the address is the file with the certificate of the authority that signed the server's"
    }
    if says("certificate verify failed") {
      return "its certificate is not signed by the authority in sslrootcert of the address: give the right authority's "
        + "file there"
    }
    guard says("certificate", "SSL error") else { return nil }
    return "see sslmode, sslrootcert, sslcert and sslkey of the address"
  }

  /// The last line that is not a hint: of several hosts the last one's.
  private static func sentence(of message: String) -> String {
    let lines = message.split(whereSeparator: \.isNewline).filter {
      $0.first?.isWhitespace == false && !$0.hasPrefix("Either provide")
    }
    let line = lines.last ?? "the server gave no reason"
    for mark in ["FATAL:  ", "ERROR:  "] {
      if let found = line.firstRange(of: mark) { return String(line[found.upperBound...]) }
    }
    return String(line)
  }
}
