import Crypto
import Testing

struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  ])
  func `equals the vectors of FIPS 180-4`(text: String, digest: String) {
    #expect(SHA256.hexDigest(of: Array(text.utf8)) == digest)
  }

  @Test func `pieces give the digest of the whole`() {
    var hash = SHA256()
    hash.update(Array("a".utf8))
    hash.update(Array("bc".utf8))
    #expect(hash.hexDigest() == SHA256.hexDigest(of: Array("abc".utf8)))
  }
}
