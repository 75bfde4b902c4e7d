-- SPDX-License-Identifier: Apache-2.0

-- Rich content, both ways: windows, templates, choices that are answered in words, and what channels learn and say of themselves.

-- What the channel's adapter and settings say, for functions here. window: so long after the customer's last word free text may be sent; null:
-- always. pair_pace: the time between two messages to one person, of which pair_burst may go at once; null: none.
alter table gateway.channel
    add column reply_window interval,
    add column pair_pace interval,
    add column pair_burst int;

-- The line's own pace: paced_to is when all that was sent would have been, at one message per pair_pace; it may run ahead by the burst.
-- choice: the options of the newest question that was asked in words, [{"id","title"}], whose numbers, titles and ids are answers until choice_until;
-- choice_message: that question.
alter table gateway.pair
    add column paced_to timestamptz,
    add column choice jsonb,
    add column choice_message uuid,
    add column choice_until timestamptz;

-- How an outgoing message was put for its channel: {"native": bool, "steps": […]}.
alter table gateway.message add column rendering jsonb;

-- reason and title: ours, of what failed; data: more that the provider said, prices for instance.
alter table gateway.part add column reason text, add column title text;
alter table gateway.receipt add column reason text, add column title text, add column data jsonb;

-- What the bytes of a file should be.
alter table gateway.attachment add column expected_sha256 bytea;

-- What a channel learned and knows until it expires: the provider's ids of files ("file SHA-256").
create table gateway.channel_note (
    account_id bigint not null,
    channel_id bigint not null,
    key text not null,
    value text not null,
    expires_at timestamptz not null,
    primary key (account_id, channel_id, key),
    foreign key (account_id, channel_id) references gateway.channel
);
create index channel_note_age on gateway.channel_note (expires_at);

-- What a provider said of a channel: its number, its templates, its account. An event has its id as subject_id.
create table gateway.notice (
    account_id bigint not null,
    notice_id uuid not null,
    channel_id bigint not null,
    topic text not null,
    title text not null,
    data jsonb,
    at timestamptz not null,
    primary key (account_id, notice_id),
    foreign key (account_id, channel_id) references gateway.channel
);
create index notice_age on gateway.notice using brin (at);

-- The templates of a channel as its provider listed them last; templates_at: when.
create table gateway.template (
    account_id bigint not null,
    channel_id bigint not null,
    name text not null,
    lang text not null,
    external_id text,
    status text not null,
    category text,
    components jsonb not null,
    primary key (account_id, channel_id, name, lang),
    foreign key (account_id, channel_id) references gateway.channel
);
alter table gateway.channel_state add column templates_at timestamptz;
