#define _GNU_SOURCE
#include <grpc/byte_buffer_reader.h>
#include <math.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "CGRPC.h"

static const char kind_key[] = "ashlar-failure-kind";

void ashlar_grpc_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int ashlar_grpc_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

// --- bytes and time -----------------------------------------------------------------------------------------------

grpc_byte_buffer *ashlar_grpc_buffer_create(const uint8_t *bytes, size_t count) {
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes, count);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

bool ashlar_grpc_buffer_copy(grpc_byte_buffer *buffer, uint8_t *out, size_t count) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) return false;
    grpc_slice *slice;
    bool fits = true;
    while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
        size_t bytes = GRPC_SLICE_LENGTH(*slice);
        fits = bytes <= count;
        if (!fits) break;
        memcpy(out, GRPC_SLICE_START_PTR(*slice), bytes);
        out += bytes;
        count -= bytes;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return fits && count == 0;
}

const uint8_t *ashlar_grpc_slice_bytes(const grpc_slice *slice) { return GRPC_SLICE_START_PTR(*slice); }
size_t ashlar_grpc_slice_count(const grpc_slice *slice) { return GRPC_SLICE_LENGTH(*slice); }

gpr_timespec ashlar_grpc_deadline(double seconds) {
    // A hundred years; also keeps the microseconds within 64 bits.
    if (!(seconds < 3.2e9)) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (seconds < 0) seconds = 0;
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros((int64_t)(seconds * 1e6), GPR_TIMESPAN));
}

double ashlar_grpc_seconds_until(gpr_timespec deadline) {
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return INFINITY;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    return (double)left.tv_sec + left.tv_nsec * 1e-9;
}

// --- server -------------------------------------------------------------------------------------------------------

static grpc_arg integer(const char *key, int value) {
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = (char *)key};
    arg.value.integer = value;
    return arg;
}

grpc_server *ashlar_grpc_server_create(int message_bytes_max, int streams_max) {
    grpc_arg list[] = {
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, message_bytes_max),
        integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams_max),
    };
    grpc_channel_args args = {.num_args = sizeof list / sizeof list[0], .args = list};
    return grpc_server_create(&args, NULL);
}

void ashlar_grpc_server_add_connection(grpc_server *server, int fd) {
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    grpc_server_add_channel_from_fd(server, fd, credentials);
    grpc_server_credentials_release(credentials);
}

void ashlar_grpc_incoming_init(struct ashlar_grpc_incoming *incoming) {
    incoming->call = NULL;
    grpc_call_details_init(&incoming->details);
    grpc_metadata_array_init(&incoming->metadata);
}

void ashlar_grpc_incoming_destroy(struct ashlar_grpc_incoming *incoming) {
    grpc_call_details_destroy(&incoming->details);
    grpc_metadata_array_destroy(&incoming->metadata);
}

grpc_call_error ashlar_grpc_request_call(grpc_server *server, struct ashlar_grpc_incoming *incoming,
                                         grpc_completion_queue *queue, void *tag) {
    return grpc_server_request_call(server, &incoming->call, &incoming->details, &incoming->metadata, queue, queue, tag);
}

static grpc_op operation(grpc_op_type type) {
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = type;
    return op;
}

grpc_call_error ashlar_grpc_receive_message(grpc_call *call, grpc_byte_buffer **message, void *tag) {
    grpc_op op = operation(GRPC_OP_RECV_MESSAGE);
    op.data.recv_message.recv_message = message;
    return grpc_call_start_batch(call, &op, 1, tag, NULL);
}

grpc_call_error ashlar_grpc_receive_close(grpc_call *call, int *cancelled, void *tag) {
    grpc_op op = operation(GRPC_OP_RECV_CLOSE_ON_SERVER);
    op.data.recv_close_on_server.cancelled = cancelled;
    return grpc_call_start_batch(call, &op, 1, tag, NULL);
}

grpc_call_error ashlar_grpc_send_message(grpc_call *call, bool is_first, grpc_byte_buffer *message, void *tag) {
    grpc_op ops[2];
    size_t count = 0;
    if (is_first) ops[count++] = operation(GRPC_OP_SEND_INITIAL_METADATA);
    ops[count] = operation(GRPC_OP_SEND_MESSAGE);
    ops[count++].data.send_message.send_message = message;
    return grpc_call_start_batch(call, ops, count, tag, NULL);
}

void ashlar_grpc_status_init(struct ashlar_grpc_status *status, int code, const char *text, const char *kind,
                             grpc_byte_buffer *message) {
    memset(status, 0, sizeof *status);
    status->code = (grpc_status_code)code;
    status->text = grpc_slice_from_copied_string(text);
    status->message = message;
    if (kind) {
        status->trailing.key = grpc_slice_from_static_string(kind_key);
        status->trailing.value = grpc_slice_from_copied_string(kind);
        status->has_trailing = true;
    }
}

void ashlar_grpc_status_destroy(struct ashlar_grpc_status *status) {
    grpc_slice_unref(status->text);
    if (status->has_trailing) grpc_slice_unref(status->trailing.value);
    if (status->message) grpc_byte_buffer_destroy(status->message);
}

grpc_call_error ashlar_grpc_send_status(grpc_call *call, bool is_first, struct ashlar_grpc_status *status, void *tag) {
    grpc_op ops[3];
    size_t count = 0;
    if (is_first) ops[count++] = operation(GRPC_OP_SEND_INITIAL_METADATA);
    if (status->message) {
        ops[count] = operation(GRPC_OP_SEND_MESSAGE);
        ops[count++].data.send_message.send_message = status->message;
    }
    grpc_op *op = &ops[count++];
    *op = operation(GRPC_OP_SEND_STATUS_FROM_SERVER);
    op->data.send_status_from_server.status = status->code;
    op->data.send_status_from_server.status_details = &status->text;
    op->data.send_status_from_server.trailing_metadata_count = status->has_trailing;
    op->data.send_status_from_server.trailing_metadata = &status->trailing;
    return grpc_call_start_batch(call, ops, count, tag, NULL);
}

// --- client -------------------------------------------------------------------------------------------------------

grpc_channel *ashlar_grpc_channel_create(const char *target, int message_bytes_max) {
    grpc_arg authority = {.type = GRPC_ARG_STRING, .key = GRPC_ARG_DEFAULT_AUTHORITY};
    authority.value.string = "localhost";
    grpc_arg list[] = {
        authority,
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, message_bytes_max),
        // A connection of its own for every channel.
        integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        integer(GRPC_ARG_ENABLE_RETRIES, 0),
        // The peer is on this machine: look for it again soon.
        integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        // Also how long one attempt may take: a busy machine needs more than a moment.
        integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10000),
        integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 250),
    };
    grpc_channel_args args = {.num_args = sizeof list / sizeof list[0], .args = list};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

grpc_call *ashlar_grpc_call_create(grpc_channel *channel, grpc_completion_queue *queue, const char *method,
                                   gpr_timespec deadline) {
    grpc_slice name = grpc_slice_from_copied_string(method);
    grpc_call *call =
        grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue, name, NULL, deadline, NULL);
    grpc_slice_unref(name);
    return call;
}

void ashlar_grpc_exchange_init(struct ashlar_grpc_exchange *exchange, grpc_byte_buffer *request) {
    memset(exchange, 0, sizeof *exchange);
    exchange->request = request;
    exchange->text = grpc_empty_slice();
    grpc_metadata_array_init(&exchange->initial);
    grpc_metadata_array_init(&exchange->trailing);
}

void ashlar_grpc_exchange_destroy(struct ashlar_grpc_exchange *exchange) {
    if (exchange->request) grpc_byte_buffer_destroy(exchange->request);
    if (exchange->reply) grpc_byte_buffer_destroy(exchange->reply);
    grpc_metadata_array_destroy(&exchange->initial);
    grpc_metadata_array_destroy(&exchange->trailing);
    grpc_slice_unref(exchange->text);
}

static size_t request_operations(grpc_op *ops, struct ashlar_grpc_exchange *exchange) {
    ops[0] = operation(GRPC_OP_SEND_INITIAL_METADATA);
    ops[1] = operation(GRPC_OP_SEND_MESSAGE);
    ops[1].data.send_message.send_message = exchange->request;
    ops[2] = operation(GRPC_OP_SEND_CLOSE_FROM_CLIENT);
    ops[3] = operation(GRPC_OP_RECV_INITIAL_METADATA);
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &exchange->initial;
    return 4;
}

static grpc_op status_operation(struct ashlar_grpc_exchange *exchange) {
    grpc_op op = operation(GRPC_OP_RECV_STATUS_ON_CLIENT);
    op.data.recv_status_on_client.trailing_metadata = &exchange->trailing;
    op.data.recv_status_on_client.status = &exchange->code;
    op.data.recv_status_on_client.status_details = &exchange->text;
    return op;
}

grpc_call_error ashlar_grpc_exchange_unary(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag) {
    grpc_op ops[6];
    size_t count = request_operations(ops, exchange);
    ops[count] = operation(GRPC_OP_RECV_MESSAGE);
    ops[count++].data.recv_message.recv_message = &exchange->reply;
    ops[count++] = status_operation(exchange);
    return grpc_call_start_batch(call, ops, count, tag, NULL);
}

grpc_call_error ashlar_grpc_exchange_request(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag) {
    grpc_op ops[4];
    return grpc_call_start_batch(call, ops, request_operations(ops, exchange), tag, NULL);
}

grpc_call_error ashlar_grpc_exchange_status(grpc_call *call, struct ashlar_grpc_exchange *exchange, void *tag) {
    grpc_op op = status_operation(exchange);
    return grpc_call_start_batch(call, &op, 1, tag, NULL);
}

const grpc_slice *ashlar_grpc_exchange_kind(const struct ashlar_grpc_exchange *exchange) {
    for (size_t index = 0; index < exchange->trailing.count; index++) {
        const grpc_metadata *entry = &exchange->trailing.metadata[index];
        if (grpc_slice_str_cmp(entry->key, kind_key) == 0) return &entry->value;
    }
    return NULL;
}
