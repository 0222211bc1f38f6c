/*
 * A plugin of mosquitto for the field tests of enhanced authentication (MQTT 5 §4.12). Its method CHALLENGE asks twice: for
 * a word, which must come back with the secret behind it, and for the same again. With its success it sends a proof of its own.
 * It is no example of a safe method.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#define METHOD "CHALLENGE"
#define MOST_CLIENTS 16

static mosquitto_plugin_id_t *plugin;
static char secret[64] = "";

/* How many answers are right, by client. */
static struct {
	struct mosquitto *client;
	int answers;
} exchanges[MOST_CLIENTS];

static int slot_of(struct mosquitto *client)
{
	int free_slot = -1;
	for(int i = 0; i < MOST_CLIENTS; i++){
		if(exchanges[i].client == client) return i;
		if(!exchanges[i].client) free_slot = i;
	}
	return free_slot;
}

static int reply(struct mosquitto_evt_extended_auth *event, const char *text, int result)
{
	event->data_out_len = (uint16_t)strlen(text);
	event->data_out = malloc(event->data_out_len);
	if(!event->data_out) return MOSQ_ERR_NOMEM;
	memcpy(event->data_out, text, event->data_out_len);
	return result;
}

static int on_start(int id, void *data, void *user)
{
	struct mosquitto_evt_extended_auth *event = data;
	(void)id;
	(void)user;
	if(strcmp(event->auth_method, METHOD)) return MOSQ_ERR_NOT_SUPPORTED;
	int slot = slot_of(event->client);
	if(slot < 0) return MOSQ_ERR_NOMEM;
	exchanges[slot].client = event->client;
	exchanges[slot].answers = 0;
	return reply(event, "word-1", MOSQ_ERR_AUTH_CONTINUE);
}

static int on_continue(int id, void *data, void *user)
{
	struct mosquitto_evt_extended_auth *event = data;
	char expected[128];
	(void)id;
	(void)user;
	int slot = slot_of(event->client);
	if(slot < 0 || exchanges[slot].client != event->client) return MOSQ_ERR_AUTH;
	int answers = ++exchanges[slot].answers;
	snprintf(expected, sizeof(expected), "word-%d:%s", answers, secret);
	if(event->data_in_len != strlen(expected) || memcmp(event->data_in, expected, event->data_in_len)){
		exchanges[slot].client = NULL;
		return MOSQ_ERR_AUTH;
	}
	if(answers == 1) return reply(event, "word-2", MOSQ_ERR_AUTH_CONTINUE);
	exchanges[slot].client = NULL;
	return reply(event, "proof", MOSQ_ERR_SUCCESS);
}

int mosquitto_plugin_version(int count, const int *versions)
{
	for(int i = 0; i < count; i++) if(versions[i] == 5) return 5;
	return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **user, struct mosquitto_opt *options, int count)
{
	(void)user;
	plugin = id;
	for(int i = 0; i < count; i++){
		if(!strcmp(options[i].key, "secret")) snprintf(secret, sizeof(secret), "%s", options[i].value);
	}
	int failed = mosquitto_callback_register(plugin, MOSQ_EVT_EXT_AUTH_START, on_start, NULL, NULL);
	return failed ? failed : mosquitto_callback_register(plugin, MOSQ_EVT_EXT_AUTH_CONTINUE, on_continue, NULL, NULL);
}

int mosquitto_plugin_cleanup(void *user, struct mosquitto_opt *options, int count)
{
	(void)user;
	(void)options;
	(void)count;
	mosquitto_callback_unregister(plugin, MOSQ_EVT_EXT_AUTH_START, on_start, NULL);
	return mosquitto_callback_unregister(plugin, MOSQ_EVT_EXT_AUTH_CONTINUE, on_continue, NULL);
}
