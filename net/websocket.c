#include "net/websocket.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <strings.h>

#include "net/websocket_talk.h"

struct websocket {
    struct http_exchange *x;
    http_pull_fn *pull;
    void *arg;
    bool binary;
    struct websocket_talk talk;
};

/* ---- the talk ------------------------------------------------------------------------------------- */

static int on_pull(void *arg, struct blob **ret)
{
    struct websocket *ws = arg;
    struct blob *message = NULL;
    int r;

    if (http_stopping(ws->x))
        websocket_say_goodbye(&ws->talk, WEBSOCKET_GOING_AWAY);
    r = ws->talk.closing ? 0 : ws->pull(ws->arg, &message);
    if (r > 0)
        websocket_say(&ws->talk, ws->binary, message->data, message->len);
    else if (r < 0)
        websocket_say_goodbye(&ws->talk, WEBSOCKET_BYE);
    blob_unref(message);
    return websocket_talk_take(&ws->talk, ret);
}

static bool on_take(void *arg, const char *data, size_t len)
{
    struct websocket *ws = arg;

    return websocket_hear(&ws->talk, data, len);
}

/* ---- the handshake -------------------------------------------------------------------------------- */

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = list; at && *at;) {
        at += strspn(at, " \t,");
        size_t len = strcspn(at, ",");
        while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
            len--;
        if (len == n && strncasecmp(at, word, n) == 0)
            return true;
        at += strcspn(at, ",");
    }
    return false;
}

bool websocket_asked(const struct http_exchange *x)
{
    return has_word(http_header(x, "Connection"), "upgrade") && has_word(http_header(x, "Upgrade"), "websocket");
}

/* Sec-WebSocket-Accept. */
static void accept_text(const char *key, char ret[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) + 1])
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t sum[SHA1_DIGEST_SIZE];
    struct sha1_ctx c;

    sha1_init(&c);
    sha1_update(&c, strlen(key), (const uint8_t *)key);
    sha1_update(&c, strlen(salt), (const uint8_t *)salt);
    sha1_digest(&c, sizeof(sum), sum);
    base64_encode_raw(ret, sizeof(sum), sum);
    ret[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)] = '\0';
}

static void refuse(struct http_exchange *x, int status, const char *text)
{
    static const struct http_header headers[] = { { "Connection", "close" }, { "Sec-WebSocket-Version", "13" } };

    http_reply(x, status, headers, strstr(text, "Version") ? 2 : 1, blob_new(text, strlen(text)));
}

struct websocket *websocket_new(struct http_exchange *x, bool binary, http_pull_fn *pull, void *arg)
{
    const char *key = http_header(x, "Sec-WebSocket-Key"), *version = http_header(x, "Sec-WebSocket-Version");
    const char *origin = http_header(x, "Origin"), *protocol = http_header(x, "Sec-WebSocket-Protocol");
    struct websocket *ws = xcalloc(1, sizeof(*ws));
    char accept[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) + 1];

    *ws = (struct websocket){ .x = x, .pull = pull, .arg = arg, .binary = binary };
    if (!key || !*key)
        refuse(x, 400, "mismatch challenge/response");
    else if (!version || !streq(version, "13"))
        refuse(x, 400, "missing or bad WebSocket Version");
    else if (!origin || !*origin)
        refuse(x, 403, "");
    else if (protocol && strchr(protocol, ','))
        refuse(x, 400, "");
    else {
        accept_text(key, accept);
        const struct http_header headers[] = { { "Upgrade", "websocket" }, { "Sec-WebSocket-Accept", accept },
                                               { "Sec-WebSocket-Protocol", protocol } };
        http_upgrade(x, headers, protocol && *protocol ? 3 : 2, on_pull, on_take, ws);
    }
    return ws;
}

struct websocket *websocket_free(struct websocket *ws)
{
    if (!ws)
        return NULL;
    websocket_talk_release(&ws->talk);
    free(ws);
    return NULL;
}
