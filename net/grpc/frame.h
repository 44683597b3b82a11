/* frame.h — what gRPC adds to HTTP/2 for one unary call: plain functions over bytes, no socket. */
#pragma once

#include "net/grpc/grpc.h"

const char *grpc_code_text(int code);           /* "NOT_FOUND"; what no code is, is "UNKNOWN" */

/* The five-byte prefix (flag 0, big-endian length) and the message. */
void grpc_frame_add(struct buf *out, const void *data, size_t len);

enum grpc_frame_result {
    FRAME_OK,                          /* exactly one plain message */
    FRAME_NONE,                        /* no byte at all */
    FRAME_CUT,                         /* fewer bytes than the prefix promised */
    FRAME_MORE,                        /* bytes behind the first message */
    FRAME_COMPRESSED,
    FRAME_BAD_FLAG,
    FRAME_RESULTS
};
enum grpc_frame_result grpc_frame_parse(const void *body, size_t len, const void **ret_data,
                                        size_t *ret_len);
const char *grpc_frame_text(enum grpc_frame_result r);          /* a clause: "ends before its message" */

/* grpc-timeout: at most eight digits and a unit (H M S m u n). Rounded down, at least 1n. */
#define GRPC_TIMEOUT_TEXT 16
void grpc_timeout_format(duration d, char ret[GRPC_TIMEOUT_TEXT]);
bool grpc_timeout_parse(const char *text, size_t len, duration *ret);

/* grpc-message: bytes outside 0x20..0x7e and '%' are percent-encoded. Decoding never fails: what is
 * not an escape stays as it is. */
void grpc_percent_encode(struct buf *out, const char *text, size_t len);
char *grpc_percent_decode(struct arena *a, const char *text, size_t len);

/* A reply without grpc-status, by its HTTP status; a reset stream, by its HTTP/2 error code. */
enum grpc_code grpc_code_of_http(int status);
enum grpc_code grpc_code_of_reset(uint32_t http2_error);
