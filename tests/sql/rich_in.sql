-- What chat channels bring in beside text: people with several addresses, windows, replies, echoes, what is quiet, answers in words, notices.
begin;
select plan (74);
\ir lib/out.sql

-- One message in a request of its own. more: aliases, window, reply_to, echo, quiet, channel, content, files, keyword.
create function pg_temp.hears (p_account bigint, p_channel bigint, p_id text, p_from text, p_more jsonb default '{}', p_at timestamptz default pg_temp.t0 ())
returns jsonb language sql as $$
    select jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', p_at,
                               'messages', jsonb_build_array (jsonb_build_object ('id', p_id, 'from', p_from, 'text', p_id) || p_more))
$$;
create function pg_temp.hear (p_account bigint, p_channel bigint, p_id text, p_from text, p_more jsonb default '{}', p_at timestamptz default pg_temp.t0 ())
returns text language sql as $$
    select g::text from pg_temp.give (p_id, jsonb_build_array (pg_temp.hears (p_account, p_channel, p_id, p_from, p_more, p_at))) g
$$;
create function pg_temp.message (p_id text) returns gateway.message language sql as $$ select * from gateway.message where external_id = p_id $$;
create function pg_temp.contact_of (p_uri text) returns uuid language sql as $$ select contact_id from gateway.address where uri = p_uri $$;
create function pg_temp.head (p_account bigint) returns bigint language sql as $$ select last_event from gateway.counter where account_id = p_account $$;
\set wa '''whatsapp:15552220001'''
\set us '''whatsapp:US.1'''

-- People with several addresses.
select pg_temp.hear (:acme, :sms, 'A1', :wa, format ('{"name": "Ana", "aliases": [%s]}', to_json (:us::text))::jsonb) \gset
select is (pg_temp.contact_of (:us), pg_temp.contact_of (:wa), 'another address of a new sender is the same contact''s');
select is ((select array_agg (name) from gateway.contact where account_id = :acme), '{Ana}', 'of which there is one');
select is (pg_temp.told (:acme, 0), '{contact.created,ticket.created,message.received}', 'and told once');
select pg_temp.hear (:acme, :sms, 'A2', :us, format ('{"aliases": [%s]}', to_json (:wa::text))::jsonb) \gset
select is ((pg_temp.message ('A2')).ticket_id, (pg_temp.message ('A1')).ticket_id, 'who writes from the other address goes on in the same ticket');
select is ((pg_temp.message ('A2')).from_uri, :wa, 'on the pair that is there');
select is ((select count (*) from gateway.pair where account_id = :acme), 1::bigint, 'no second one is made');
select pg_temp.hear (:acme, :sms, 'A3', 'whatsapp:US.3', format ('{"aliases": [%s, "whatsapp:US.2"]}', to_json (:wa::text))::jsonb) \gset
select is (array[pg_temp.contact_of ('whatsapp:US.2'), pg_temp.contact_of ('whatsapp:US.3')], array[pg_temp.contact_of (:wa), pg_temp.contact_of (:wa)],
           'addresses that are learned later are the contact''s, too');
select pg_temp.hear (:acme, :other, 'A4', 'whatsapp:US.2') \gset
select is ((pg_temp.message ('A4')).author_id, pg_temp.contact_of (:wa), 'and known on another channel');
select pg_temp.hear (:acme, :other, 'A5', 'whatsapp:US.9', format ('{"aliases": ["whatsapp:9", %s]}', to_json (:us::text))::jsonb) \gset
select is (array[(pg_temp.message ('A5')).author_id, pg_temp.contact_of ('whatsapp:US.9'), pg_temp.contact_of ('whatsapp:9')],
           array[pg_temp.contact_of (:wa), pg_temp.contact_of (:wa), pg_temp.contact_of (:wa)], 'a new pair''s contact is that of any address that is known');
select pg_temp.hear (:acme, :sms, 'A6', 'whatsapp:7') \gset
select pg_temp.hear (:acme, :sms, 'A7', 'whatsapp:7', format ('{"aliases": [%s]}', to_json (:us::text))::jsonb) \gset
select isnt (pg_temp.contact_of (:us), pg_temp.contact_of ('whatsapp:7'), 'two addresses that have different contacts stay as they are');

-- Of one batch.
select count (*) as people from gateway.contact where account_id = :acme \gset
select pg_temp.give ('batch', jsonb_build_array (
    pg_temp.hears (:acme, :sms, 'B1', 'whatsapp:b1'),
    pg_temp.hears (:acme, :sms, 'B2', 'whatsapp:b2', '{"aliases": ["whatsapp:b1", "whatsapp:b3"]}'),
    pg_temp.hears (:acme, :sms, 'B3', 'whatsapp:b2'),
    pg_temp.hears (:acme, :sms, 'A1', :wa, '{"aliases": ["whatsapp:b7"]}'),
    pg_temp.hears (:acme, :sms, 'B4', 'whatsapp:b4', '{"aliases": ["whatsapp:b5"]}'))) as batch \gset
select is (:'batch'::text, '(4,1,0,0)', 'a batch with a repeat');
select is ((pg_temp.message ('B2')).ticket_id, (pg_temp.message ('B1')).ticket_id, 'who changes the address within a batch goes on in the same ticket');
select is ((pg_temp.message ('B3')).ticket_id, (pg_temp.message ('B1')).ticket_id, 'and stays there');
select is (pg_temp.contact_of ('whatsapp:b3'), pg_temp.contact_of ('whatsapp:b1'), 'with all addresses');
select is ((select count (*) from gateway.contact where account_id = :acme), :people + 2::bigint, 'of one contact each');
select is (pg_temp.contact_of ('whatsapp:b7'), null, 'nothing is learned from a repeat');
select is (pg_temp.contact_of ('whatsapp:b5'), pg_temp.contact_of ('whatsapp:b4'), 'beside which aliases stay with their message');

-- The window.
create function pg_temp.window_of (p_channel bigint, p_uri text) returns interval language sql as $$
    select window_until - pg_temp.t0 () from gateway.pair where channel_id = p_channel and uri = p_uri
$$;
select is (pg_temp.window_of (:sms, :wa), null, 'a pair has no window until somebody speaks of one');
select pg_temp.hear (:acme, :sms, 'W1', :wa, jsonb_build_object ('window', :'t0'::timestamptz + interval '1 day')) \gset
select is (pg_temp.window_of (:sms, :wa), '1 day', 'a message opens it');
select pg_temp.hear (:acme, :sms, 'W2', :wa, jsonb_build_object ('window', :'t0'::timestamptz + interval '1 hour')) \gset
select is (pg_temp.window_of (:sms, :wa), '1 day', 'an earlier one that comes later does not close it');
select pg_temp.give ('W', jsonb_build_array (
    pg_temp.hears (:acme, :sms, 'W3', :wa, jsonb_build_object ('window', :'t0'::timestamptz + interval '3 days')),
    pg_temp.hears (:acme, :sms, 'W4', :wa, jsonb_build_object ('window', :'t0'::timestamptz + interval '2 days')),
    pg_temp.hears (:acme, :sms, 'W5', :wa),
    pg_temp.hears (:acme, :sms, 'W6', 'whatsapp:b4'))) \gset
select is (pg_temp.window_of (:sms, :wa), '3 days', 'of a batch the latest counts');
select is (pg_temp.window_of (:sms, 'whatsapp:b4'), null, 'for its own pair');

-- What a message answers.
select pg_temp.hear (:acme, :sms, 'R1', :wa, '{"reply_to": "A1"}') \gset
select is ((pg_temp.message ('R1')).in_reply_to, (pg_temp.message ('A1')).message_id, 'a reply names its message');
select pg_temp.hear (:acme, :sms, 'R2', 'whatsapp:b4', '{"reply_to": "A1"}') \gset
select is ((pg_temp.message ('R2')).in_reply_to, null, 'but none of another pair');
select pg_temp.hear (:acme, :sms, 'R3', :wa, '{"reply_to": "unheard of"}') \gset
select is ((pg_temp.message ('R3')).in_reply_to, null, 'nor one that is not known');
select pg_temp.give ('R', jsonb_build_array (pg_temp.hears (:acme, :sms, 'R4', :wa), pg_temp.hears (:acme, :sms, 'A1', :wa, '{"reply_to": "A2"}'),
                                             pg_temp.hears (:acme, :sms, 'R5', :wa, '{"reply_to": "R4"}'))) \gset
select is ((pg_temp.message ('R5')).in_reply_to, (pg_temp.message ('R4')).message_id, 'one of its own batch it may answer');
select is ((pg_temp.message ('R4')).in_reply_to, null, 'its neighbours answer nothing');

-- What the business says on a device of the provider's.
select last_event as before from gateway.counter where account_id = :acme \gset
select pg_temp.hear (:acme, :sms, 'E1', :wa, '{"echo": true}') \gset
select is ((select (m.kind, m.status, m.from_uri, m.to_uri, m.author_type, m.author_id, m.n_parts, t.unread)::text
            from gateway.message m join gateway.ticket t using (account_id, ticket_id) where m.external_id = 'E1'),
           format ('(outgoing,sent,tel:+15550001111,%s,human,,1,0)', :wa), 'an echo is an outgoing message of a human, and the ticket is read');
select is (pg_temp.told (:acme, :before), '{message.sent}', 'the log says that it was sent');
select is ((select j -> 'author' ->> 'type' from message_json (:acme, (pg_temp.message ('E1')).message_id) j), 'human', 'the API, too');
select pg_temp.receive (:acme, :sms, 'E1 was read', '[{"id": "E1", "status": "read"}]') \gset
select is ((pg_temp.message ('E1')).status, 'read', 'what becomes of it is known by the provider''s id');
select pg_temp.give ('E', jsonb_build_array (pg_temp.hears (:acme, :sms, 'E2', :wa), pg_temp.hears (:acme, :sms, 'E3', :wa, '{"echo": true}'),
                                             pg_temp.hears (:acme, :sms, 'E4', :wa))) \gset
select is ((select unread from gateway.ticket t where ticket_id = (pg_temp.message ('E4')).ticket_id), 1, 'unread is what came after it');
select is ((select array_agg (number - (pg_temp.message ('E1')).number order by number) from gateway.message where external_id in ('E2', 'E3', 'E4')), '{1,2,3}',
           'all are numbered');
select pg_temp.hear (:acme, :sms, 'E5', 'whatsapp:new', '{"echo": true}') \gset
select is ((select (status, unread, last_number)::text from gateway.ticket where uri = 'whatsapp:new'), '(open,0,1)', 'an echo to somebody new opens a ticket');

-- What is quiet.
select pg_temp.hear (:acme, :sms, 'Q1', 'whatsapp:quiet', '{"quiet": true, "aliases": ["whatsapp:quieter"]}') as q1 \gset
select is (:'q1'::text, '(0,0,0,0)', 'what is quiet opens no ticket');
select is ((select count (*) from gateway.ticket where uri = 'whatsapp:quiet'), 0::bigint, 'none at all');
select is (pg_temp.contact_of ('whatsapp:quieter'), pg_temp.contact_of ('whatsapp:quiet'), 'what it says of addresses is heeded');
select is ((select count (*) from gateway.journal where journal_id = pg_temp.make_id ('Q1', :'t0', 1)), 1::bigint, 'and it is journaled');
select pg_temp.hear (:acme, :sms, 'Q1', 'whatsapp:quiet', '{"quiet": true}') as again \gset
select is (:'again'::text, '(0,1,0,0)', 'delivered twice it is known');
select unread as before from gateway.ticket where account_id = :acme and channel_id = :sms and uri = :wa \gset
select pg_temp.hear (:acme, :sms, 'Q2', :wa, '{"quiet": true, "reply_to": "A1"}') \gset
select is ((pg_temp.message ('Q2')).in_reply_to, (pg_temp.message ('A1')).message_id, 'in an unclosed ticket it is a message');
select is ((select unread from gateway.ticket where account_id = :acme and channel_id = :sms and uri = :wa), :before, 'which is not unread');
update gateway.ticket set status = 'closed', closed_at = :'t0' where account_id = :acme and channel_id = :sms and uri = :wa;
select pg_temp.give ('Q', jsonb_build_array (pg_temp.hears (:acme, :sms, 'Q3', :wa, '{"quiet": true}'))) \gset
select is ((select status from gateway.ticket where account_id = :acme and channel_id = :sms and uri = :wa), 'closed', 'it reopens none');
select is ((pg_temp.message ('Q3')).message_id, null, 'where it is no message');
select pg_temp.give ('Q', jsonb_build_array (
    pg_temp.hears (:acme, :sms, 'Q4', :wa, '{"quiet": true}'), pg_temp.hears (:acme, :sms, 'Q5', :wa), pg_temp.hears (:acme, :sms, 'Q6', :wa, '{"quiet": true}'))) as mixed \gset
select is (:'mixed'::text, '(2,0,0,0)', 'after one that reopens it, it is');
select is ((select array_agg (external_id order by number) from gateway.message where external_id in ('Q4', 'Q5', 'Q6')), '{Q5,Q6}', 'before, it is not');
select is ((select (status, unread)::text from gateway.ticket where account_id = :acme and channel_id = :sms and uri = :wa), format ('(open,%s)', :before + 1),
           'only the other one is unread');

-- Answers in words.
select pg_temp.send (:acme, :sms, :bob, 'question') \gset
update gateway.pair set choice = '[{"id": "am", "title": "Morning"}, {"id": "2", "title": "Afternoon"}, {"id": "x", "title": "1"}]', choice_message = pg_temp.id_of ('question'),
                        choice_until = :'t0'::timestamptz + interval '1 day'
where account_id = :acme and channel_id = :sms and uri = :bob;
create function pg_temp.answer (p_id text, p_text text, p_at timestamptz default pg_temp.t0 (), p_more jsonb default '{}') returns text language plpgsql as $$
begin
    perform pg_temp.hear (c.account_id, c.channel_id, p_id, 'tel:+15552220002', jsonb_build_object ('text', p_text) || p_more, p_at)
    from gateway.channel c join gateway.account a using (account_id) where a.slug = 'acme' and c.slug = 'sms';
    return (select concat_ws (' ', m.content #>> '{selected,id}', m.content #>> '{selected,title}', m.content #>> '{selected,source}', n.name)
            from gateway.message m left join named n on n.id = m.in_reply_to where m.external_id = p_id);
end $$;
select is (pg_temp.answer ('C1', '2'), '2 Afternoon number question', 'a number is the answer to a question that was asked in words');
select is (pg_temp.answer ('C2', E'  mORNING \n'), 'am Morning title question', 'a title, whatever its case and the space around it');
select is (pg_temp.answer ('C3', 'AM'), 'am Morning id question', 'an id');
select is (pg_temp.answer ('C4', 'tomorrow'), '', 'other words are none');
select is (pg_temp.answer ('C5', '1'), '', 'nor what could be two options');
select is (pg_temp.answer ('C6', '２'), '2 Afternoon number question', 'digits may be wide');
select is ((pg_temp.message ('C3')).content #>> '{selected,message_id}', pg_temp.id_of ('question')::text, 'what was selected names the question');
select is ((pg_temp.message ('C3')).content ->> 'text', 'AM', 'and the words stay');
select is (pg_temp.answer ('C7', '2', :'t0'::timestamptz + interval '1 day'), '', 'after a day it is over');
select is (pg_temp.answer ('C8', '2', :'t0'::timestamptz + interval '1 day', jsonb_build_object ('at', :'t0'::timestamptz + interval '23 hours')), '2 Afternoon number question',
           'by when it was said');
select is (pg_temp.answer ('C9', '2', :'t0', '{"content": {"kind": "text", "text": "2", "selected": {"id": "b", "title": "2", "source": "button"}}}'), 'b 2 button',
           'where a button was pressed nothing is guessed');
select is (pg_temp.answer ('C10', '2', :'t0', '{"content": {"kind": "media", "text": "2"}}'), '', 'nor of a picture');
select is (pg_temp.answer ('C11', '2', :'t0', '{"echo": true}'), '', 'nor of what the business says itself');

-- Files.
select pg_temp.hear (:acme, :sms, 'F1', :wa, format ('{"files": [{"url": "u1", "sha256": "%s"}, {"url": "u2"}]}', repeat ('0f', 32))::jsonb) \gset
select is ((select array_agg (encode (expected_sha256, 'hex') order by position) from gateway.attachment where message_id = (pg_temp.message ('F1')).message_id),
           array[repeat ('0f', 32), null], 'a file is kept with what its bytes should be');

-- Items of another channel.
select pg_temp.give ('route', jsonb_build_array (jsonb_build_object ('account', :acme, 'channel', :sms, 'at', :'t0', 'quarantine', 'part of it is nobody''s',
    'messages', jsonb_build_array (jsonb_build_object ('id', 'X1', 'from', :wa, 'text', 'here'), jsonb_build_object ('id', 'X2', 'from', :wa, 'text', 'there', 'channel', :other)),
    'receipts', jsonb_build_array (jsonb_build_object ('id', 'X3', 'status', 'read', 'channel', :other)),
    'notices', jsonb_build_array (jsonb_build_object ('id', 'X4', 'topic', 'quality', 'title', 'it is well', 'channel', :other))))) as routed \gset
select is (:'routed'::text, '(2,0,1,1)', 'a request may be stored and wait in the quarantine');
select results_eq (
    $$select external_id, channel_id from gateway.message where external_id in ('X1', 'X2') union all select external_id, channel_id from gateway.receipt where external_id = 'X3'
      union all select topic, channel_id from gateway.notice order by 1$$,
    format ($$values ('X1', %s::bigint), ('X2', %s), ('X3', %s), ('quality', %s)$$, :sms, :other, :other, :other), 'its items belong to their channels');
select is ((select (j.channel_id, j.outcome, q.channel_id)::text from gateway.journal j join gateway.quarantine q on q.quarantine_id = j.journal_id
            where j.journal_id = pg_temp.make_id ('route', :'t0', 1)), format ('(%s,quarantined,%s)', :sms, :sms), 'the request to the one that it came to');
select pg_temp.hear (:acme, :other, 'X2', :wa) as again \gset
select is (:'again'::text, '(0,1,0,0)', 'and come there once');

-- Notices.
select pg_temp.head (:acme) as before \gset
create function pg_temp.notice (p_account bigint, p_channel bigint, p_seed text, p_notices jsonb) returns text language sql as $$
    select g::text from pg_temp.give (p_seed, jsonb_build_array (jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', pg_temp.t0 (), 'notices', p_notices))) g
$$;
select pg_temp.notice (:acme, :sms, 'n1', '[{"id": "N1", "topic": "template", "title": "a template was rejected", "data": {"name": "cart"}},
                                           {"id": "N1", "topic": "template", "title": "a template was rejected"},
                                           {"id": "N2", "topic": "account", "title": "the account is blocked", "health": "down", "remedy": "ask Meta", "at": "2026-03-02T09:00:00Z"}]') \gset
select is (pg_temp.told (:acme, :before), '{channel.updated,channel.updated,channel.down}', 'notices are told once, and what they mean for the channel');
select results_eq (
    format ($$select (body::jsonb -> 'data') - 'channel', body::jsonb #>> '{data,channel,slug}' from api_events (%s, %s, 10) where type = 'channel.updated'$$, :acme, :before),
    $$values ('{"update": {"topic": "template", "title": "a template was rejected", "data": {"name": "cart"}, "at": "2026-03-02T10:00:00.000000Z"}}'::jsonb, 'sms'),
             ('{"update": {"topic": "account", "title": "the account is blocked", "data": null, "at": "2026-03-02T09:00:00.000000Z"}}', 'sms')$$,
    'with the channel and what was said');
select is ((select (health, cause, remedy)::text from gateway.channel_state where channel_id = :sms), '(down,"the account is blocked","ask Meta")',
           'the channel is down, with cause and remedy');
select pg_temp.head (:acme) as before \gset
select pg_temp.notice (:acme, :sms, 'n2', '[{"id": "N2", "topic": "account", "title": "the account is blocked", "health": "down"}]') \gset
select is (pg_temp.told (:acme, :before), '{}', 'delivered twice it is one notice');
select pg_temp.notice (:acme, :sms, 'n3', '[{"id": "N3", "topic": "account", "title": "the account is blocked again", "health": "down", "remedy": "ask"}, {"id": "N4", "topic": "account", "title": "it is over", "health": "up"}]') \gset
select is (pg_temp.told (:acme, :before), '{channel.updated,channel.updated,channel.up}', 'down again is no news; that it is over is');
select is ((select (health, cause, remedy)::text from gateway.channel_state where channel_id = :sms), '(up,,)', 'and nothing is left to be mended');
select pg_temp.hear (:acme, :sms, 'N1', :wa) as same_id \gset
select is (:'same_id'::text, '(1,0,0,0)', 'a message may have the id of a notice');

-- Retention.
insert into gateway.channel_note (account_id, channel_id, key, value, expires_at) values (:acme, :sms, 'file old', '1', :'t0'), (:acme, :sms, 'file new', '2', :'t0'::timestamptz + interval '3 days');
select maintain (:'t0'::timestamptz + interval '2 days', '30 days', '2 days', '30 days', '30 days', '30 days', '30 days') \gset
select is ((select count (*) from gateway.notice where topic = 'account'), 2::bigint, 'notices go when events go');
select is ((select array_agg (key) from gateway.channel_note), '{file new}', 'notes of channels when they have expired');

select pg_temp.is_whole_log (:acme);
select * from finish ();
rollback;
