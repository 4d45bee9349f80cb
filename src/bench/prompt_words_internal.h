// Words that prompts are made of: common, and one token each in most vocabularies, with a space in
// front and without.
#pragma once

#include <string_view>

namespace aquilon::bench {

inline constexpr std::string_view kPromptWords = R"(
about above action add after again against age air all along also always among amount and animal
answer any area arm around art article ask at attack attention author available average away
baby back bad bag ball bank bar base basic bear beat because bed before begin below best better
between big bill bird birth bit black blood blue board boat body book border born both bottom
box boy brain branch bread break bridge bright brown build building burn bus business but buy by
call camp can capital car card care case cash castle cat catch cause cell center central chain
chair change chapter character charge check chemical chief child children choice choose church
circle city claim class clean clear click climate clock close cloth cloud club coal coat code
cold collect college color column come common community company compare complete computer
concept condition connect consider contact content context continue contract control cook cool
copy corn correct cost could count country course court cover create credit crime critical crop
cross culture cup current curve cut cycle daily dark data date daughter day dead deal death
decision deep degree demand depend depth design detail develop device did difference different
direct direction director distance divide doctor document dog door double down draw dream drive
drop dry each early earth east easy eat economic edge education effect egg eight either electric
element else employ empty end energy engine enter environment equal error escape even event ever
every exact example except exchange exercise exist expect experience experiment expert extra eye
face fact factor fail fair faith fall family far farm fast father feature feel female few field
fight figure fill film final find fine finger finish fire firm first fish fit five fix flag flat
flight floor flow flower fly focus follow food foot for force foreign forest form former forward
found four frame free fresh friend from front fruit full function fund future gain game gas gate
gather general get girl give glass global go goal god gold good government grand grass gray
great green ground group grow growth guard guess guide gun hair half hall hand handle happy hard
hat have he head health heart heat heavy height held help her here hero high hill him his
history hit hold hole home horse hospital hot hour house how human ice idea if image impact
important in inch include income index industry inside instance instead interest into iron issue
it item job join joint jump just keep key kill kind king know knowledge lake land language large
last late later law lay lead leader leaf league learn least leave left leg legal let letter
level library lie life lift light like limit line link list listen little live local location
long look lord loss lost lot love low machine made magic mail main major make male man manage
many map mark market mass master match material matter may maybe meal mean measure media medical
member memory mental message metal method middle might mile mind mine minor minute miss mission
mix model modern moment money month moon more most mother motion motor mouth move movement movie
much music must name nation natural nature near neck need negative network never new news next
night nine no noise none nor normal north not note nothing now number object of off offer office
often oil old on once one only open operation option or orange order organ origin other our out
outside over own page pain pair paper parent park part party pass past path patient pattern pay
peace people per percent perfect perform perhaps period person phone photo phrase physical pick
picture piece place plain plan plane planet plant plate play please point policy political pool
popular position positive possible post pot potential power practice prepare present press
pressure pretty prevent price primary print private problem process product professional program
progress project proof property public pull purpose push put quality quarter question quick
quiet quite race radio rain raise range rate rather reach read ready real reason receive recent
record red reduce region regular remember remove repeat replace reply report represent require
research resource respect respond rest result return rich ride right ring rise risk river road
rock role roll room root round route row rule run safe said salt same sample sand save say scale
scene school science score screen sea search season seat second secret section see seed seek
select self sell send sense sentence series service set seven shape share sharp she sheet shell
ship shirt shop short shot should show side sign signal similar simple since sing single sit
site six size skill skin sky sleep slow small smooth snow so social soft solid solution solve
some son song soon sort sound source south space special speech speed spirit spot spread spring
square staff stage stand standard star start state station stay step stick still stock stone
stop store storm story stream street strength stress string strong structure student study style
subject success such suggest summer sun supply support surface survey sweet system table take
talk target task tax team tell ten term test text than thank that the their them then theory
there these they thin thing think third this those though thought three through thus tie tight
time tiny tip title to today tone too tool top total touch town track trade traffic train travel
tree trial trip true trust truth try turn two type under union unit until up upon upper urban us
use usual value very video view visit voice vote wait walk wall want war warm wash watch water
wave way we weak wealth wear weather week weight well west western what wheel when where whether
which while white who whole why wide wife wild will win wind window wine wing winter wire wise
with within without woman wood word work worker world worth would write writer wrong yard year
yellow yes yet you young your zero zone
)";

}  // namespace aquilon::bench
