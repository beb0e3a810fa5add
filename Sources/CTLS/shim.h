#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

static inline int candlecast_tls_choose_http1(
    SSL *session, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
    unsigned int count, void *unused) {
  static const unsigned char ours[] = "\x08http/1.1";
  (void)session;
  (void)unused;
  unsigned char *found;
  if (SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, count) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

/// TLS 1.2 or later without renegotiation, writes of any part from any address, and no memory of past sessions.
static inline void candlecast_tls_prepare(SSL_CTX *context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(
      context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context, candlecast_tls_choose_http1, NULL);
}
