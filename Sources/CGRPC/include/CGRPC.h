// The gRPC C core, and what Swift cannot express of it: unions of operations, inline slice functions, channel
// arguments. One function starts one batch; its out-parameters live in a struct that must outlive the batch's tag.
#ifndef ASHLAR_CGRPC_H
#define ASHLAR_CGRPC_H

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// --- threads and sockets ------------------------------------------------------------------------------------------------------

// The calling thread's name; the kernel keeps 15 characters.
void ashlar_grpc_name_thread(const char *name);
// A connected, non-blocking, close-on-exec descriptor, owned by the caller; negative with errno set.
int ashlar_grpc_accept(int listener);

// --- bytes and time -----------------------------------------------------------------------------------------------

// Owned by the caller: grpc_byte_buffer_destroy.
grpc_byte_buffer *ashlar_grpc_buffer_create(const uint8_t *bytes, size_t count);
// Copies all of `buffer` (borrowed) to `out`. False where that is not exactly `count` bytes, or `buffer` is corrupt.
bool ashlar_grpc_buffer_copy(grpc_byte_buffer *buffer, uint8_t *out, size_t count);
// Borrowed from the slice.
const uint8_t *ashlar_grpc_slice_bytes(const grpc_slice *slice);
size_t ashlar_grpc_slice_count(const grpc_slice *slice);
// A deadline that many seconds from now; infinity never comes.
gpr_timespec ashlar_grpc_deadline(double seconds);
// May be negative; infinity where there is no deadline.
double ashlar_grpc_seconds_until(gpr_timespec deadline);

// --- server -------------------------------------------------------------------------------------------------------

// Owned by the caller: grpc_server_destroy after its shutdown.
grpc_server *ashlar_grpc_server_create(int message_bytes_max, int streams_max);
// Takes `fd`, a connected, non-blocking socket.
void ashlar_grpc_server_add_connection(grpc_server *server, int fd);

// A call that arrived.
struct ashlar_grpc_incoming {
    grpc_call *call;                // owned by the caller once the tag is out: grpc_call_unref
    grpc_call_details details;      // owned by this struct
    grpc_metadata_array metadata;   // array owned by this struct, its elements by the call
};
void ashlar_grpc_incoming_init(struct ashlar_grpc_incoming *incoming);
void ashlar_grpc_incoming_destroy(struct ashlar_grpc_incoming *incoming);  // not the call
grpc_call_error ashlar_grpc_request_call(grpc_server *server, struct ashlar_grpc_incoming *incoming,
                                         grpc_completion_queue *queue, void *tag);

// *message is owned by the caller once the tag is out; NULL where there was none.
grpc_call_error ashlar_grpc_receive_message(grpc_call *call, grpc_byte_buffer **message, void *tag);
// *cancelled is set to 1 where the call failed otherwise than by our status.
grpc_call_error ashlar_grpc_receive_close(grpc_call *call, int *cancelled, void *tag);

// Initial metadata (empty) goes with the first message or with the status.
// `message` is borrowed until the tag is out.
grpc_call_error ashlar_grpc_send_message(grpc_call *call, bool is_first, grpc_byte_buffer *message, void *tag);

struct ashlar_grpc_status {
    grpc_status_code code;
    grpc_slice text;           // owned by this struct
    grpc_metadata trailing;    // key static, value owned by this struct
    bool has_trailing;
    grpc_byte_buffer *message;  // owned by this struct; NULL: no message
};
// `text` and `kind` are copied, `message` is taken. `kind` NULL: no trailing metadata.
void ashlar_grpc_status_init(struct ashlar_grpc_status *status, int code, const char *text, const char *kind,
                             grpc_byte_buffer *message);
void ashlar_grpc_status_destroy(struct ashlar_grpc_status *status);
// `status` is borrowed until the tag is out.
grpc_call_error ashlar_grpc_send_status(grpc_call *call, bool is_first, struct ashlar_grpc_status *status, void *tag);

// --- client -------------------------------------------------------------------------------------------------------

// Owned by the caller: grpc_channel_destroy. `target` is a gRPC name, `unix:/path`.
grpc_channel *ashlar_grpc_channel_create(const char *target, int message_bytes_max);
// Owned by the caller: grpc_call_unref. `method` is copied.
grpc_call *ashlar_grpc_call_create(grpc_channel *channel, grpc_completion_queue *queue, const char *method,
                                   gpr_timespec deadline);

// What a client call sends and gets.
struct ashlar_grpc_exchange {
    grpc_byte_buffer *request;      // owned by this struct
    grpc_byte_buffer *reply;        // owned by this struct; NULL: none
    grpc_metadata_array initial;    // array owned by this struct, its elements by the call
    grpc_metadata_array trailing;   // likewise
    grpc_status_code code;
    grpc_slice text;                // owned by this struct
};
// Takes `request`.
void ashlar_grpc_exchange_init(struct ashlar_grpc_exchange *exchange, grpc_byte_buffer *request);
void ashlar_grpc_exchange_destroy(struct ashlar_grpc_exchange *exchange);
// Request, reply and status in one batch.
grpc_call_error ashlar_grpc_exchange_unary(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag);
// The request alone; replies follow with ashlar_grpc_receive_message.
grpc_call_error ashlar_grpc_exchange_request(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag);
grpc_call_error ashlar_grpc_exchange_status(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag);
// The failure kind that came in the trailing metadata, borrowed while the call lives; NULL: none.
const grpc_slice *ashlar_grpc_exchange_kind(const struct ashlar_grpc_exchange *exchange);

#endif
