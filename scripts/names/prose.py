"""Sentences as encyclopaedias, newspapers, firms and people write them. `[a|b]` chooses, `{slot}` is filled; see `grammar.py`.

`{P}` a new person, `{P.last}` `{P.first}` `{P.t}` (title and surname) the same one again, `{Q}` a second person; `{city}` `{loc}` `{country}`
`{region}` `{org}` `{addr}` are labelled; the other slots are not.
"""

BIOGRAPHY = """
{P} ([born|b.] {date}) is [a|an] {nat} {job} [who|best known for|and former {job} who] [plays for {org}|has worked with {Q}|lives in {loc}|teaches at {org}].
{P} ({date} – {date}) was [a|an] {nat} {job} from {loc}.
{P} (born {date} in {city}, {country}) is [a|an] {nat} {job} and {job}.
{P}, born {Q} on {date}, [is|was] [a|an] {nat} {job}.
{P} was born in {city}, {loc}, [the son of|to|the daughter of] {Q} and {P2}.
[He|She] was born in {loc} and [educated at {org}|studied at {org}|grew up in {city}|attended {org} before moving to {city}].
Born in {city}, {P.last} [moved|emigrated] to {country} [in {year}|at the age of {n}] [and|where he|where she] [joined {org}|married {Q}|studied under {Q}].
{P.last} [graduated from|received a degree from|taught at|was appointed professor at] {org} in {year}.
In {year}, {P} [married|divorced|met|succeeded|defeated|replaced|joined|left] {Q} [in {city}|at {event}||at the age of {n}].
In {month} {year} [he|she|{P.last}] [signed with|joined|left|was transferred to|returned to] {org} [for {money}|on a free transfer|on loan from {org}|].
{P} [died|passed away] [in {city}|at his home in {city}|of a heart attack in {loc}] on {date}[, aged {n}|].
[He|She] is [buried|interred] [in|at] {loc}[, next to his wife {P}|].
[His|Her] [brother|sister|father|mother|cousin|wife|husband|grandson|nephew], {P}, [was also|is] [a|an] {job}.
[He|She] is the [brother|sister|son|daughter|father|uncle|niece] of {nat} {job} {P}.
[Among his students were|His pupils included|Its members included|Notable alumni include|Past presidents include] {P}, {Q}[, {P2}|] and {Q2}.
The [film|album|series|play|novel|opera] was [directed|produced|written|composed|edited] by {P} and [stars|features|starred] {Q}[, {P2}|] and {Q2}.
"{work}" is a [song|single|poem|novel|painting|short story|film] by [{nat} {job} |]{P}[ featuring {Q}|], released [in {year}|on {org}].
{work} is [a|an] {year} {nat} [film|drama|comedy|novel|documentary|musical] [directed by|written by|starring] {P}.
The song was [covered|recorded|performed] by {P}, {org} and {Q}.
{P} [composed|painted|wrote|published|recorded|directed] {work} [in {year}|while living in {city}|for {org}].
{P} [succeeded|was succeeded by|defeated|ran against] {Q} as [{role}|mayor|president|chairman|bishop] of {loc}[ in {year}|].
{role} {P} [visited|ruled|governed|conquered|left] {loc} in {year}.
[Under|During the reign of|On the orders of|With the help of] {role} {P}, [the {nat} army|{org}] [invaded|captured|entered|besieged] {loc}.
{role} {P.first} [II|III|IV|V|VI|I] of {country} [granted|ceded|gave] the [town|land|castle] to {Q}.
The [theory|theorem|law|method|disease|comet] was [first described|proposed|discovered] by {P} [and {Q}|] [in {year}|at {org}].
According to {P}, [the|a] {noun} [was built|was destroyed] by the {nats} in the {n}th century.
{P.last} and {Q.last} [argue|showed|write|wrote] that the {noun} [is|was] older than [believed|expected].
{P} ({n} goals), {Q} ({n}) and {P2} ({n}) [led|scored for] {org}.
{org} [beat|defeated|drew with|lost to] {org} {n}-{n} [in {city}|], with [goals|tries|wickets] by {P} and {Q}.
{P} [won|finished second in|lost] the {year} [{event}|{nat} championship|Open], [beating|defeating|ahead of] {Q}[ of {country}|] in the final.
[Head coach|Manager|Captain|Forward|Goalkeeper|Pitcher|Quarterback|Guitarist|Drummer|Vocalist|Bassist] {P} [left|joined|was fired by|replaced {Q} at] {org}.
The band [consists of|was formed by|originally included] {P} ([vocals|guitar|drums]), {Q} ([bass|keyboards]) and {P2} ([drums|saxophone]).
{work} was [reviewed|praised|criticised] by {P} of {org}[, who called it "{adj}"|].
The character [of {P} |]was played by {Q} in the {year} [film|series|remake].
{P} as {Q}[, the {adj} {job}|]
Written by: {P}. Directed by: {Q}. Produced by: {P2}.
The [house|church|bridge|statue|library] was [designed|built|commissioned] by {P} [for {Q}|] in {year}.
The [town|county|street|school|asteroid|crater|river] [is|was] named [after|for|in honour of] {P}[, a {nat} {job}|].
{P} was one of the founders of {org}[, along with {Q} and {P2}|].
"{say}," {P} [said|told {org}|recalled|wrote|explained].
[He|She] [is|was] [married to|survived by his wife|engaged to] {P}[, with whom he has {n} children|, and they live in {city}|].
{P} portrayed [him|her|{Q}] in {work}.
[Emperor|King|Queen|Pope|Saint|Prince|Sultan|Tsar] {P.first}
[The novelist|The painter|The actress|Actor|Singer|Activist|Economist|Historian|Senator|Billionaire] {P} [was born|lives|died|spoke|performed] in {loc}.
"""

PLACES_AND_THINGS = """
{city} is a [town|city|village|commune|municipality] in [the [north|south|east|west] of |]{region}, {country}.
{city} is a [small |]town in {region}[, with a population of {n},{n}00|].
The [population|area|climate|economy] of {loc} [is|was] [{n},{n}00|small|mild|based on fishing] [at the {year} census|].
[It|The {noun}] is located [{n} km|{n} miles] [north|south|east|west|northwest] of {city}[, near {region}|].
The {noun} [flows|runs|stretches] from {loc} [through {loc} |]to {loc}.
The {nat} [army|navy|government|parliament|people|language|team|press|economy] [grew|retreated|refused|won|lost|agreed] in {year}.
In {year}, the {nats} [invaded|left|settled in|traded with] {loc}.
{org} is [a|an] {nat} [company|bank|band|football club|newspaper|airline|charity|university|political party] [based|headquartered] in {city}[, {loc}|].
{org} was [founded|established|formed|dissolved] in {year} [in {city}|by {P}|after a merger with {org}].
{org} [announced|acquired|sold|launched|released|closed] [{product}|{org}|its {noun} in {city}] [in {month}|on {date}|last year].
The {adj} {noun} [is|was] [common|rare|found] in {loc} and [parts of |]{loc}.
{work} is the [{ord}|debut|second|third|final|live] [studio album|album|novel|episode|season|single] [by|of|from] [{org}|the {nat} band {org}|{P}].
The [episode|song|album|film] [received|won|was nominated for] [{event}|two awards|mixed reviews] and [reached|peaked at] number {n} in {country}.
During {event}, [the {noun}|{org}|{city}|the {nat} army] [was bombed|was used as a hospital|moved to {loc}|was closed].
{event} [began|ended|took place] in {year}[ in {city}|].
{genus} is a genus of [flowering plants|moths|beetles|fishes|frogs|fungi] in the family {family}[, native to {loc}|].
{genus} {species} is a species of [beetle|plant|snail|fish] [found in|endemic to] {loc}.
[The|HMS|USS|SS] {noun_cap} [was|is] a [destroyer|frigate|steamship|submarine|cruiser] [built in {city}|launched in {year}|of the {nat} Navy].
State Route {n} [runs|goes] from {city} to {city}.
The {adj_cap} {noun_cap} [is|was] a {nat} [treaty|law|award|newspaper|railway|hotel|magazine|prize].
The [{adj_cap} {noun_cap}|{noun_cap} of {noun_cap}|{noun_cap}] [is|was] [first mentioned|published|opened|shown] in {year}.
The {year} {nat} [Open|Grand Prix|general election|census|Cup|Championship] [was held|took place] [in {city}|on {date}|from {month} to {month}].
In [Greek|Norse|Roman|Hindu|Egyptian] mythology, the {noun} [was|is] a symbol of {noun}.
The [Treaty|Battle|Siege|Peace|Convention|Council|Bishop|Duke] of {city} [ended|began|followed] [the war|in {year}|{event}].
[Most|Many|Few|Some] {nats} [speak|live|work] [{nat}|in {loc}|abroad].
[Catholics|Protestants|Muslims|Buddhists|Democrats|Republicans|Communists|Liberals|Conservatives] [won|lost|gained] {n} seats [in {loc}|in the {nat} parliament|].
The {noun_cap} {noun_cap} [Act|Bill|Award|Programme|Agreement] [of {year} |]was [passed|signed|repealed] [by {org}|in {city}|].
The word "{noun_cap}" [comes from|derives from] [Latin|Old English|Greek|Arabic|{nat}] and means "{noun}".
[Volume|Chapter|Part|Section|Book] {n}: {adj_cap} {noun_cap}
Track listing: {n}. "{work}" – {n}:{n}{n}. {n}. "{work}" – {n}:{n}{n}.
{org} and {org} [merged|signed an agreement|played|agreed to work together] in {city}.
The {org} [team|stadium|headquarters|campus|archive] is [in|near|outside] {city}.
[Line|Platform|Bus|Flight|Route] {n} [connects|links] {city} [with|and] {city}[ via {city}|].
[Winters in|Summers in|The coast of|The capital of|The people of|The north of] {loc} [are cold|are dry|is cold|is wet].
The {nat} {noun} ([Latin|formerly|also called]: {genus} {species}) [is|was] a kind of {noun}.
The {product} was [released|announced|discontinued] by {org} in {year}.
{product} and {product} [run on|support|replaced] {product}[, a product of {org}|].
[Google|Wikipedia|Windows|The Internet|English|Monday|Sunday|Spring|The Moon|Earth|Mars|Jupiter] [is|was] [popular|cold|far|slow|well known] in {country}.
"""

NEWS = """
{city} ([Reuters|AP|AFP]) - {role} {P} [said|told reporters] on {weekday} that {country} [would|will not] [sign|leave|join|support] the [deal|treaty|talks].
[Shares in|Profits at|Sales of|Workers at] {org} [rose|fell|dropped] {n} percent [on {weekday}|in {month}|after {P} resigned].
{org} [named|appointed|hired|fired] {P} [as|as its new] [chief executive|chairman|finance chief|head of research][, replacing {Q}|].
{P}, [{n}|the {job}|a spokesman for {org}|a resident of {city}|chief executive of {org}|{role} of {loc}], [said|denied|agreed|was arrested|was charged] on {weekday}.
[Police|Officials|Prosecutors|Witnesses] [in {city} |][said|named|identified] [the victim as|the suspect as|the driver as] {P}[, {n}|, a {job}|].
"{say}," [said|says] {P}, [a|an] [analyst|{job}|spokeswoman|economist] at {org}[ in {city}|].
{P.last} [said|added|declined to comment|did not respond|pleaded not guilty|will appear in court in {city}].
[Mr|Mrs|Ms|Mr.|Dr.] {P.last} [said|told {org}|added|declined to comment][ on {weekday}|].
{role} {P} met [{role} |]{Q} in {city} [on {weekday}|for talks|].
[Floods|Fires|Protests|Strikes|Snow] [in|near|across] {loc} [left|killed|injured] {n} people, {org} said.
The [minister|court|judge|company|union|bank] [rejected|approved|delayed] the [plan|merger|appeal] on {weekday}.
{org} vs {org}: {P} [scores|injured|returns] as [hosts|visitors] [win|lose] {n}-{n}
{P} to [leave|join|lead|sue|face] {org} [in {month}|after {event}|: report]
[Breaking|Exclusive|Update|Opinion|Watch]: {P} [wins|resigns|dies|arrested|speaks] in {city}
{city} {weekday} {n} {month} {year}
[Photo|Photograph|Image|Credit|By|Words by|Illustration]: {P} / {org}
By {P} and {Q}, {org}
[The White House|Downing Street|The Kremlin|The Pentagon|Brussels|Wall Street|Congress|Parliament] [said|warned|denied|announced] on {weekday} that the {noun} [was ready|had failed].
{country} [beat|drew with|face|host] {country} [in {city}|on {weekday}|{n}-{n}].
The {nat} [government|foreign ministry|central bank|prime minister] [said|raised interest rates|declined to comment] on {weekday}.
"""

BUSINESS = """
{P} [from|at|of] {org} [called|emailed|confirmed|asked] [about|regarding] [the invoice|the contract|order {ref}|the refund|the delivery to {city}].
[Please|Kindly] [contact|reach out to|call|email|speak to|copy in|cc|loop in|ask for|notify] {P} [regarding|about|for|on|at {phone} about] [the lab results|your claim|the shipment|this matter|ext. {n}].
[Please|Kindly] [forward|send|ship|deliver] [the package|the documents|the replacement|it] to {P}[, {addr}| at {addr}|, {org}, {addr}|].
[Ship to|Deliver to|Bill to|Send it to|Mailing address|Home address|Address]: [{P}, |]{addr}
[I|We] [live|moved|work|grew up|am staying|have an office] [at|in] {addr}.
My [new |]address is {addr}[ and my phone number is {phone}|].
The [property|office|house|store|accident|meeting] [at|is at|happened at|is located at] {addr} [was inspected on {date}|is closed|for {n} weeks|].
[This agreement|This contract|The lease] is [made|entered into] on {date} between {org} ("the [Company|Landlord|Seller]") and {P} ("the [Employee|Tenant|Buyer]").
{P} ([account|employee|customer|member|patient] [no.|id|number|#] {ref}) [requested|reported|disputed|cancelled|upgraded] [a refund|a charge of {money}|the order|an outage].
[Customer|Client|Employee|Patient|Driver|Tenant|Applicant|Passenger|Student|Defendant|Supplier|Contractor|Manager|Agent|Officer|Nurse|Doctor|Technician] {P} [called|reported|arrived|was seen|filed|has been|requested|signed|missed] [at {time}|on {date}|for the appointment|a complaint|the form].
[Our customer|The customer|The patient|The account holder|A colleague|The applicant|Our employee|The claimant|My client], {P}, [called|was admitted|has not paid|moved to {city}|wants to cancel|is waiting].
[The|This] [ticket|incident|case|order|claim|shipment] was [opened|closed|escalated|assigned|handled|approved|reviewed] by {P} [on {date}|in {city}|from {org}|].
{P} [approved|rejected|signed|reviewed|submitted|closed|reopened|escalated] [ticket|invoice|order|request] {ref}[ yesterday| on {date}|].
[Payment|Transfer|Wire|Deposit|Refund] of {money} [from|to] {P} [was declined|was received|is pending|cleared on {date}].
{P} [and|and his wife|and her husband] {Q} [booked|rented|ordered|own] [a room|a car|the flat] [in|near] {city}[ from {date} to {date}|].
[Meeting|Call|Lunch|Interview|1:1|Appointment] with {P} [and {Q}|from {org}|] [at {time}|on {weekday}|in {city}|tomorrow]
[Attendees|Present|Participants|Cc|To|From|Invitees]: {P}, {Q}, {P2}[, {Q2}|]
{org} [will open|opened|is closing|operates] [a|its|{n}] [branch|office|warehouse|stores|plants] in {city}[ and {city}|, {loc}|].
[Our|The|Your] {city} [office|branch|team|store|warehouse|plant] [handles|is closed|will contact|serves] [European accounts|on {weekday}|{P}|the whole of {region}].
[The training in|The trip to|The conference in|Customers in|The flight from|Deliveries to|The weather in] {loc} [was cancelled|were delayed|starts on {date}|is confirmed].
[I am|I'm|We are] [writing|calling] on behalf of {P}[, who|, our client,] [recently moved|passed away|was hospitalised] in {city}.
[Quarterly|Annual|Monthly] [revenue|profit|sales] at {org} [rose|fell] {n}% to {money}, [CFO|CEO|director] {P} [said|told investors].
[Invoice|Order|Contract|Policy|Claim|Ticket] {ref} [is|was] issued to {P} [of {org}|].
{org} [partnered|signed|is negotiating|competes] with {org} [to supply {noun}s|for {money}|in {loc}].
{P.first} [approved|scheduled|submitted|signed|reviewed|cancelled|completed|requested|confirmed|updated|sent|prepared|issued] [her application|his timesheet|the final budget|the ticket|the follow-up|a refund|the report].
[Please ask|I spoke with|Ask|Check with|Copy|Remind|A note from|Message for] {P.first} [regarding the lab results|about the invoice|in accounting|in HR|before the review].
[Our|The] {city} [office|branch] [handles|approved] [{region} accounts|all support tickets]. {P.first} [handles|approved|manages] the rest.
{org} [approved|submitted|confirmed|issued|signed|rejected] [the payment|the wire transfer|its application|the final budget|a complaint].
{P.last}'s [manager|lawyer|assistant|wife|doctor|flight|payment|contract] [called|asked|said|was late|is due] on {weekday}.
[Thanks|Regards|Best|Best regards|Cheers|Sincerely|Kind regards|Yours|Love|BR],\\n{P}[\\n{jobtitle}|\\n{jobtitle}, {org}|\\n{org}\\n{addr}|]
[Dear|Hi|Hello|Hey|Good morning|Greetings] [{title} |]{P},\\n\\n[Thank you for your message|I hope you are well|We received your claim|Attached is the report|Your appointment is on {date}].
Hi {P.first}, [this is|it's|my name is|I'm] {Q} [from|at] {org}[ in {city}|].
[Signed|Approved by|Prepared by|Reviewed by|Witness|Author|Requested by|Assigned to|Reporter|Caller|Contact|Contact person|Electronically signed by|Attending|Seen by]: {P}[, {jobtitle}|]
{P} | {jobtitle} | {org} | {city} | {phone}
{P} has worked [at|for] {org} as [a|an] {job} since {year}.
{P} works as [a|an] {jobtitle} [at|for] {org} in {city}.
[The doctor|Dr.|Dr] {P.last} [prescribed|recommended|saw the patient|referred {Q} to {org}].
{title} {P.last} [lives|is staying|was seen] [in|near] {loc} [with|and] [his|her] [son|daughter|wife] {Q.first}.
Patient {P.first} [arrived|presented|complained] [for the {time} visit|with chest pain|on {date}].
[The beneficiary|Next of kin|Emergency contact|The policy holder|Cardholder|Account holder|The guarantor] is {P}[ ({phone})| of {addr}|, born {date}|].
{P}, born [on |]{date}[ in {city}|], [resides at {addr}|lives in {city}|holds passport {ref}|has policy {ref}].
[He|She|The driver|The suspect] [gave|provided|used] the name {P} [and the address {addr}|].
[Ask|Tell|Remind|Call|Pay|Meet|Thank|Email] {P} [about the {noun}|to call {Q}|before {weekday}|that her claim is refused|that the payment failed].
"""

CHAT = """
[Write|Draft|Compose] [a|an] [email|letter|message|apology|reference] to {P} [about|saying that|explaining that] [the delay|I will be late|our meeting in {city} is moved|her claim is refused|the invoice {ref} is unpaid].
[Tell|Inform|Notify|Text|Remind] {P} [in {city} |]that [the appointment is on {weekday}|her claim is refused|his order has shipped|I am running late].
[my name is|i am|i'm|My name is|I am|I'm|This is|this is|it's] {P} [and|,] [i|I] [live in {city}|need help with my order|work at {org}|have a question about {product}|can't log in].
[Who|who] [is|was] {P}[?| and why is he famous?| from {org}?]
[What|what] did {P} [say|think|write|do] about [{Q}|{event}|the {noun}|{country}]?
[How old is|Where was|When did|Why did|Is|Was|Did] {P} [born|die|from {country}|marry {Q}|play for {org}|]?
[Translate|Summarise|Summarize|Rewrite|Proofread|Shorten] [this|the following|the text below]: {P} [wrote to {Q} on {weekday}|lives in {city} with {Q}|was hired by {org}].
[Act as|Pretend you are|You are|Imagine you are|Write in the style of|Answer like] {P}[, a {job} from {city}|].
[book|find|get] me a [flight|hotel|table] [in|to] {city} [for|on|next] {weekday}[ for me and {P}|]
[call|text|ring|message|email|whatsapp] {P.first} [and say hi|for me|about dinner|that i'm late|now|please]
[Add|Schedule|Put] [lunch|dinner|a call|a meeting] with {P} [on|to] [my calendar|{weekday} at {time}].
[My|my] [boss|friend|wife|husband|sister|brother|colleague|neighbour|landlord|teacher|doctor|son|daughter|girlfriend|boyfriend|manager] {P.first} [is|was|said|keeps|lives] [angry|in {city}|late|calling me|at home|that it's fine].
[My|my] [boss|friend|wife|husband|sister|brother|colleague|landlord|teacher|doctor|son|daughter], {P}, [lives in {city}|works at {org}|is {n} years old|needs a gift].
{P.first}: [hey, are you coming|ok see you|can you send the file|thanks {Q.first}|no, ask {Q.first}]\\n{Q.first}: [yes|sure|on my way|i'm in {city}|tomorrow]
[lol|omg|ugh|haha|wow|yes|no|so|and then|but] {P.first} [is so funny|just texted me|never called|won again|was at the party with {Q.first}]
[RT|via|cc] @{handle}: {P} [is|was] [amazing|back|in {city}] [tonight|] #{tag}
[Watching|Listening to|Reading|Met|Saw|Love|Miss] {P} [at {loc}|on {weekday}|and {Q}|live|again] [!|:)|#{tag}|]
[Is there|Are there|Find] [a|any] [restaurants|pharmacies|jobs|schools|gym] [in|near|around] {loc}?
[What is the|what's the|Tell me the] [weather|time|population|capital|currency] [in|of] {loc}?
[How do I get|how far is it|Driving] from {loc} to {loc}?
[I|We] [flew|drove|went|moved|travelled] from {city} to {city} [last {month}|with {P.first}|in {year}|].
[Compare|Tell me about|Explain|What is|Describe] [{org}|{event}|{product}|{org} and {org}|the {nat} economy].
[Should I buy|Is it worth buying|Any news on] {org} [shares|stock]?
[Give me|Write|Suggest] [a short biography of|a birthday wish for|a poem about|interview questions for|a complaint about] {P}.
Create a [story|dialogue|scene] where {P.first} and {Q.first} [meet in {city}|find a {noun}|argue about {product}].
{P.first} has {n} apples and gives {n} to {Q.first}. How many does {P.first} have?
{P.first} [earns|buys|sells|reads|bakes|runs] {n} [dollars|books|cakes|miles] [every day|on {weekday}|more than {Q.first}]. How [many|much] in {n} days?
[If|When] {P.first} is {n} years old and {Q.first} is twice as old, how old [is {Q.first}|are they together]?
[please|pls|plz] [tell|ask] {P} [at|from] {org} to [call me|send it to {addr}|check {ref}]
i need to send [a parcel|money|flowers] to {P}[, {addr}| in {city}]
[hola|bonjour|hi|hey|dear|good morning|thanks|thank you|sorry|bye|congrats|happy birthday] {P.first}[!|,|.| :)|]
[Yes|No|Sure|Okay|OK|Great|Right|Sorry|Please|Well], {P.first}[, {say}|.|!|]
{P.first} [is|was] [so right|a legend|back|late again|my favourite|trending|the best|live on {weekday}] [lol|!|:)|#{tag}|]
[is|Is|was|Was|where is|Where is|who is|Who is] {P.first} [ok|coming|from {city}|in the new season|still alive]?
[i|I] [love|miss|hate|saw|met|need|trust] {P.first} [so much|yesterday|and {Q.first}|in {work}|!|] [lol|omg|:(|]
{P.first}'s [face|new song|speech|mum|show|goal|hair|answer] [was|is] [amazing|so funny|trash|everything]
[no way that|imagine if|so|wow] {P.last} [scored|won|resigned|said that|lost to {Q.last}]
[ft|feat.|with|by|starring|presented by|via] {P} [and|&] {Q}
[New|Latest] [video|single|episode|interview|photo] [from|with|by] {P} [out now|on {weekday}|at {loc}] #{tag}
[call me|just call me|you can call me|they call me|my nickname is] {P.first}
"""

FORMS = """
Name: {P.plain}\\n[Address: {addr}\\n|][Phone: {phone}\\n|][City: {city}\\n|][Company: {org}\\n|]Email: {mail}
[Full name|Name|Customer name|Customer|Patient|Patient name|Employee|Applicant|Contact|Client|Insured|Student|Guest|Passenger|Beneficiary|Account holder]: {P.plain}[\\n|; |, | \\| ][DOB|Date of birth|Born|ID|Account|Phone|MRN|Policy]: [{date}|{ref}|{phone}]
First name: {P.first}\\nLast name: {P.last}[\\nCity: {city}|\\nAddress: {addr}|\\nCountry: {country}|]
[First name|Given name|Vorname], {P.first}; [Last name|Surname|Nachname], {P.last}; [Address|Home], {addr}
{P.last}, {P.first}[ {initial}.|]  {ref}  {city}  {money}
{P.last}, {P.first}; {Q.last}, {Q.first}; {P2.last}, {P2.first}
| Name | City | Company |\\n|---|---|---|\\n| {P.plain} | {city} | {org} |\\n| {Q.plain} | {city} | {org} |
name,city,amount\\n{P.plain},{city},{n}\\n{Q.plain},{city},{n}\\n{P2.plain},{city},{n}
id\\tname\\tcountry\\n{n}\\t{P.plain}\\t{country}\\n{n}\\t{Q.plain}\\t{country}
{{"name": "{P.plain}", "city": "{city}", "employer": "{org}"}}
{{"customer": {{"first_name": "{P.first}", "last_name": "{P.last}"}}, "address": "{addr}", "total": {n}}}
{{"id": {n}, "user": "{P.plain}", "status": "active", "country": "{country}"}}
{{"from": "{P.plain}", "to": "{Q.plain}", "text": "{say}"}}
{{"ship_to": "{P.plain}, {addr}", "carrier": "{org}"}}
<name>{P.plain}</name><city>{city}</city><org>{org}</org>
name={P.plain}&city={city}&org={org}
customer_name: {P.plain}\\nshipping_address: {addr}\\nplan: gold
author: {P.plain}\\ntitle: {work}\\npublisher: {org}\\nyear: {year}
INSERT INTO customers (name, city) VALUES ('{P.plain}', '{city}');
SELECT * FROM users WHERE name = '{P.plain}' AND city = '{city}';
{iso} INFO login user="{P.plain}" city="{city}" ip={ip}
{iso} [WARN|ERROR|INFO] Payment for {P.plain} ([order|ref] {ref}) [failed|accepted|retried]
[{time}] <{P.first}> [has joined|hello|anyone from {city}?]
From: {P.plain} <{mail}>\\nTo: {Q.plain} <{mail}>\\nSubject: [{adj_cap} {noun}|{product} licence|Invoice {ref}|Trip to {city}]
Subject: [{P.plain} - |][interview|onboarding|invoice {ref}|contract|visit to {city}][ - {org}|]
# author: {P.plain}, {org}
// TODO({P.first}): fix this before {weekday}
Copyright (c) {year} {P.plain}
Co-authored-by: {P.plain} <{mail}>
Reviewed-by: {P.plain} <{mail}>
@author {P.plain}
PATIENT: {P.plain}   DOB: {date}   MRN: {ref}   PHYSICIAN: [Dr. |]{Q.plain}   FACILITY: {org}
Patient: {P.plain}\\nProvider: {title} {Q.plain}\\nClinic: {org}, {city}\\nDiagnosis: [asthma|Parkinson's disease|hypertension]
1. {P.plain} ({org})\\n2. {Q.plain} ({org})\\n3. {P2.plain} ({org})
- {P.plain}: [{jobtitle}|{city}|{phone}]\\n- {Q.plain}: [{jobtitle}|{city}|{phone}]
Q: [Who signed the contract|Who is the customer|Who reported it]?\\nA: {P.plain}[, {city}|]
[Recipient|Sender|Consignee|Attn|ATTN|Care of|c/o]: {P.plain}\\n{org}\\n{addr}\\n{country}
{P.plain}\\n{addr}\\n{country}
{P.plain}\\n{jobtitle}\\n{org}\\n{phone}
Owner {P.plain}, tenant {Q.plain}, agent {org}, flat at {addr}
Field,Value\\nCustomer,{P.plain}\\nCity,{city}\\nOrder,{ref}
[guest|speaker|host|teacher|winner|driver|owner|seller|buyer]: {P.plain}
**[Full Name|Name|Policyholder|Claimant|Applicant|Contact Person]:** {P.plain}\\n**[Address|Home Address]:** {addr}\\n**Phone:** {phone}
**Name:** {P.plain}\\n- Company Name: {org}\\n- Email: {mail}\\n- Country: {country}
:CUST_NM:{P.plain}\\n:BANK_NM:{org}\\n:AMOUNT:{n}.00\\n:NARR:[Payment|Transfer] to {org}\\n:TRX_DT:{year}0331
"{date}","{money}","{P.plain}","{addr}"\\n"{date}","{money}","{Q.plain}","{addr}"
{{"transactionId": "{n}", "lender": "{P.plain}", "borrower": "{Q.plain}", "bank": "{org}"}}
{{"policy": {{"holder": {{"name": "{P.plain}", "address": "{addr}"}}, "insurer": "{org}"}}}}
[Dr. |Dr |]{P.plain} | {medical} | {n} | {phone}\\n[Dr. |Dr |]{Q.plain} | {medical} | {n} | {phone}
[DISCHARGE SUMMARY|CARE TEAM SUMMARY|PATIENT INTAKE FORM|LAB REPORT]\\n\\nPatient: {P.plain}\\nMRN: {n}\\nFacility: {org}\\n[Attending|PCP]: [Dr. |]{Q.plain}, {medical}
{P.plain}, {medical}\\n{addr}\\nPhone: {phone}\\n\\nRE: {Q.plain}\\nDear [Dr.|Dr] {P2.last},\\nI am referring {Q.plain} for evaluation of {medical}.
LOAN AGREEMENT\\n\\nThis Agreement is made by and between {P.plain} ("{party}") and {org} ("{party}").
{P.plain}\\n\\n{month} {year}\\n\\n[{word_cap} {word_cap}|{term}]\\n\\n{org}
{P.plain}\\n[{word_cap} {word_cap}|{date}]
{date}, [-|]{money}, [Bank transfer|Payment|Refund|Deposit] [to|from] {P.plain}, Routing #{n}
**[Support Agent|Customer|Agent|Client]:** [I see|Thank you|Hello|Of course]. {P.first}, I'd like to check {word} {word}.
[Student|Patient|Guest|Owner]: {P.last}, needs {word} {word}
"""
